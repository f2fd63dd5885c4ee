package hclfile

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/names"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/email"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/sms"
)

// checkLabel returns what is wrong with what a check is called: that ends up in mail
// subjects, text messages and pages of every kind.
func checkLabel(label string) complaint {
	// Combining marks (M), since scripts such as Devanagari cannot be written without them.
	special := func(r rune) bool { return r != ' ' && !unicode.In(r, unicode.L, unicode.M, unicode.Nd) }
	if i := strings.IndexFunc(label, special); i >= 0 {
		first, _ := utf8.DecodeRuneInString(label[i:])
		wrong := complaint{
			fmt.Sprintf("%q is not allowed in the label of a check: only letters of any script, digits and spaces are.", first),
			"The label of a check must have only letters of any script, digits and spaces.",
		}
		if words := strings.FieldsFunc(label, func(r rune) bool { return r == ' ' || special(r) }); len(words) > 0 {
			wrong.full += fmt.Sprintf(" Write %q.", strings.Join(words, " "))
		}
		return wrong
	}
	if strings.TrimSpace(label) != label {
		return complaint{fmt.Sprintf("A label must not begin or end with a space. Write %q.", strings.TrimSpace(label)), "A label must not begin or end with a space."}
	}
	return complaint{}
}

// hostname is an IP address or a DNS name to connect to, which is kept in ASCII
// (RFC 5891).
var hostname = kind{name: "hostname", read: func(r *reading) (value, bool) {
	v, ok := readHostname(r)
	if ok {
		r.warnOfSearchList(v.text)
	}
	return v, ok
}}

// Hostname holds a host that was not written in a file to the rules of those that are; see
// [names.Host].
func Hostname(text string) (string, error) { return names.Host(text) }

// warnOfSearchList warns of a host that the search list decides about; the text
// is the same for all of them, so that they are gathered.
func (r *reading) warnOfSearchList(host string) {
	if names.Relative(host) {
		r.l.Gather(ruleRelativeName, r.expr.Range(), "This host name has no dot, so the search list of /etc/resolv.conf decides which host it means. Write the whole name, like \"imap.example.org\".")
	}
}

func readHostname(r *reading) (value, bool) {
	v, ok := readText(r)
	if !ok {
		return v, false
	}
	ascii, err := names.Host(v.text)
	var fault *names.Fault
	if errors.As(err, &fault) {
		return r.wrong(ruleHostname, "%s: %s", diagnose.Capital(r.show(v.text)), complaint{fault.Full, fault.Blind}.says(r.shown()))
	}
	return value{text: ascii}, true
}

// domainName is a name that a certificate can be for, or that is told to others:
// it is never looked up, and has no final dot.
var domainName = kind{name: "hostname", read: func(r *reading) (value, bool) {
	v, ok := readHostname(r)
	v.text = strings.TrimSuffix(v.text, ".")
	return v, ok
}}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// capability is a word of a CAPABILITY response (RFC 9051 section 9, atom).
var capability = textWith("capability", ruleChoice, func(text string) string {
	if strings.ContainsAny(text, " (){%*\"\\]") || !isASCII(text) {
		return "A capability is one word, like \"IDLE\" or \"AUTH=PLAIN\"."
	}
	return ""
})

// pin is the SHA-256 of a SubjectPublicKeyInfo (RFC 7469 section 2.4).
var pin = textWith("pin", rulePin, func(text string) string {
	if sum, err := base64.StdEncoding.DecodeString(text); err != nil || len(sum) != 32 {
		return "A pin is 32 bytes in base64, which is 44 characters. It is made with\n    openssl x509 -pubkey -noout -in cert.pem |\n      openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64"
	}
	return ""
})

// emailAddress is a mailbox (RFC 5322 section 3.4), with or without a name.
var emailAddress = textWith("email address", ruleMailbox, func(text string) string {
	if err := email.CheckAddress(text); err != nil {
		return "An address must be like \"it@example.net\" or \"IT team <it@example.net>\"."
	}
	return ""
})

// phoneNumber is a number that a gateway takes.
var phoneNumber = textWith("phone number", rulePhone, func(text string) string {
	if _, err := sms.NewTarget(text); err != nil {
		return "A number must begin with + and the country, without spaces: \"+15550100\"."
	}
	return ""
})

// hostPort is an address to connect to.
var hostPort = kind{name: "host:port", read: func(r *reading) (value, bool) {
	v, ok := farPort.read(r)
	if host, _, err := net.SplitHostPort(v.text); ok && err == nil {
		r.warnOfSearchList(host)
	}
	return v, ok
}}

var farPort = textWith("host:port", ruleHostPort, func(text string) string {
	if strings.HasPrefix(text, ":") {
		return "The host is missing before the port."
	}
	return notAHostPort(text)
})

// ownPort is an address to listen on; without a host it is every one that this
// machine has.
var ownPort = textWith("host:port", ruleHostPort, notAHostPort)

func notAHostPort(text string) string {
	host, port, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(port, 10, 16)
	if err != nil || bad != nil || n == 0 {
		return "An address is a host and a port, like \"127.0.0.1:9143\" or \"[2001:db8::1]:53\"."
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		if complaint := names.NotADNSName(strings.TrimSuffix(host, ".")); complaint != "" {
			return complaint
		}
	}
	return ""
}

// hostPortOrNone may also be "", which switches off.
var hostPortOrNone = kind{name: "host:port", bounds: `"" for none`, read: func(r *reading) (value, bool) {
	if v, ok := r.str(); ok && v.text == "" {
		return v, true
	}
	return ownPort.read(r)
}}

// path is where something lies; a relative one starts from the file in which it
// is written.
var path = kind{name: "path", read: func(r *reading) (value, bool) {
	v, ok := text.read(r)
	if !ok {
		return v, false
	}
	return value{text: source.Absolute(from(filepath.Dir(r.expr.Range().Filename), v.text))}, true
}}

// longestSocket is how many bytes the path of a unix socket has at most
// (unix(7): sun_path has 108, the last of which is zero).
const longestSocket = 107

// socketPath is where a unix socket lies.
var socketPath = kind{name: "path", read: func(r *reading) (value, bool) {
	v, ok := path.read(r)
	if ok && len(v.text) > longestSocket {
		return r.wrong(rulePath, "The path of a unix socket has at most %d bytes, and from the root on this one has %d. Choose a shorter one.", longestSocket, len(v.text))
	}
	return v, ok
}}

// headers is an object of texts, kept as one secret: tokens stand there.
var headers = kind{name: "map of strings", read: func(r *reading) (value, bool) {
	all, ok := r.textsByName(r.keep)
	if all != nil { // it is an object
		r.warnOfHeaders()
	}
	return value{secret: httpdo.JoinHeaders(all)}, ok
}}

// secretMap is an object of texts, kept as one secret.
var secretMap = kind{name: "map of strings", read: func(r *reading) (value, bool) {
	all, ok := r.textsByName(r.keep)
	return value{secret: opaque.NewSecret(notifiers.JoinMap(all))}, ok
}}

// textMap is an object of texts, none of them a secret.
var textMap = kind{name: "map of strings", read: func(r *reading) (value, bool) {
	r.v = numbersAsTexts(r.v)
	all, ok := r.textsByName(func(string) {})
	return value{texts: all}, ok
}}

// numbersAsTexts returns an object with its numbers as they are written, so that nobody has to put
// one in quotes.
func numbersAsTexts(object cty.Value) cty.Value {
	if ty := object.Type(); !object.IsKnown() || object.IsNull() || !ty.IsObjectType() && !ty.IsMapType() {
		return object
	}
	elements := object.AsValueMap()
	for name, element := range elements {
		if element.IsKnown() && !element.IsNull() && element.Type() == cty.Number {
			elements[name] = cty.StringVal(element.AsBigFloat().Text('f', -1))
		}
	}
	return cty.ObjectVal(elements)
}

// keep remembers a part of a secret: a message would repeat one, not all of them.
func (r *reading) keep(text string) { r.l.KeepSecret(text) }

// textsByName reads an object of texts and hands each to seen.
func (r *reading) textsByName(seen func(string)) (map[string]string, bool) {
	ty := r.v.Type()
	// With NoCredentials all of the object may be unknown; it is taken on trust.
	if !r.v.IsKnown() {
		return nil, true
	}
	if !ty.IsObjectType() && !ty.IsMapType() {
		_, ok := r.wrong(ruleType, "%s must be an object, written { name = \"value\" }, not %s.", r.attr.name, describe(r.v))
		return nil, ok
	}
	all, ok := map[string]string{}, true
	for name, element := range r.v.AsValueMap() {
		inner := *r
		inner.v = element
		inner.unread = !element.IsKnown()
		v, good := inner.str()
		all[name], ok = v.text, ok && good
		if good {
			seen(v.text)
		}
	}
	return all, ok
}

// people are those whom a service knows by an id and others by a name.
var people = kind{name: "list of objects of id and name", read: func(r *reading) (value, bool) {
	list, ok := readEach(r, readPerson, func(*reading, string) string { return "This person" })
	return value{list: list}, ok
}}

// readPerson returns a person in the form of [notifiers.JoinMap].
func readPerson(r *reading) (string, bool) {
	// With NoCredentials a part may be unknown; it is taken on trust.
	if !r.v.IsWhollyKnown() {
		return notifiers.JoinMap(map[string]string{"id": unreadSecret, "name": unreadSecret}), true
	}
	parts := map[string]string{}
	if ty := r.v.Type(); !r.v.IsNull() && (ty.IsObjectType() || ty.IsMapType()) {
		for name, part := range r.v.AsValueMap() {
			if !part.IsNull() && part.Type() == cty.String && unprintable(part.AsString(), "") == (complaint{}) {
				parts[name] = strings.TrimSpace(part.AsString())
			}
		}
		if len(parts) == 2 && r.v.LengthInt() == 2 && parts["id"] != "" && parts["name"] != "" {
			return notifiers.JoinMap(parts), true
		}
	}
	r.wrong(ruleType, "%s must be a list of objects, each of an id and a name in one line each. Write\n    %s = [{ id = \"anna@example.net\", name = \"Anna\" }]", r.attr.name, r.attr.name)
	return "", false
}
