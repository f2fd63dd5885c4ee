package hclfile

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// webURL is an http or https URL that people open.
var webURL = textWith("URL", ruleURL, func(text string) string { return notAURL(text, "http", "https") })

func notAURL(text string, schemes ...string) string {
	u, err := url.Parse(text)
	beginnings := diagnose.Enumerate(mapped(schemes, func(scheme string) string { return scheme + "://" }), "or")
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return fmt.Sprintf("A URL begins with %s and a host, like %s://example.org/path", beginnings, schemes[len(schemes)-1])
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Sprintf("A URL here begins with %s.", beginnings)
	}
	return ""
}

// secureURL carries secrets: https, or http to this machine.
var secureURL = kind{name: "URL", bounds: "https, http to loopback", read: readSecureURL}

// secretURLOrNone may also be "", for one that is not there on purpose.
var secretURLOrNone = kind{name: "URL", bounds: secureURL.bounds + `; "" for none, on purpose`, read: func(r *reading) (value, bool) {
	if !r.unread && !r.sensitive && r.v.RawEquals(switchedOff) {
		return value{}, true
	}
	return readSecureURL(r)
}}

// plainURL may be http to any host, as long as nothing secret is sent: see checkExposed.
var plainURL = kind{name: "URL", bounds: "https, http to loopback, or http without any secret", read: func(r *reading) (value, bool) {
	return readURL(r, true)
}}

// plainURLs are a list of such URLs, kept as one secret.
var plainURLs = kind{name: "list of URL", bounds: plainURL.bounds, read: func(r *reading) (value, bool) {
	list, ok := readEach(r, func(inner *reading) (string, bool) {
		v, ok := readURL(inner, true)
		return v.text, ok
	}, func(inner *reading, text string) string { return diagnose.Capital(inner.show(text)) })
	return value{list: list, secret: opaque.NewSecret(notifiers.JoinList(list))}, ok
}}

func readSecureURL(r *reading) (value, bool) { return readURL(r, false) }

func readURL(r *reading, plain bool) (value, bool) {
	v, u, ok := checkURL(r, plain)
	if ok && r.attr.secret && !r.unread {
		r.warnOfURL(v.text, u)
	}
	return v, ok
}

// hookURL is a URL that is all a sender needs, so that all of it is a secret.
var hookURL = kind{name: "URL", bounds: secureURL.bounds, read: func(r *reading) (value, bool) {
	v, _, ok := checkURL(r, false)
	if ok && !r.unread {
		ok = r.judgeURL()
	}
	return v, ok
}}

// judgeURL looks where a URL is written that is a secret as a whole.
func (r *reading) judgeURL() bool {
	return r.judgeSecret(r.expr, "this "+r.attr.name, r.attr.name, r.attr.name+` = credential("name")`)
}

// serviceURL is the address of a server, or that of a webhook there, which is a secret.
var serviceURL = kind{name: "URL", bounds: secureURL.bounds, read: func(r *reading) (value, bool) {
	v, u, ok := checkURL(r, false)
	switch {
	case !ok || r.unread:
	case strings.Contains(u.Path, "/hooks/"):
		ok = r.judgeURL()
	default:
		r.warnOfURL(v.text, u)
	}
	return v, ok
}}

// checkURL reads a URL. Where plain, http may lead to any host.
func checkURL(r *reading, plain bool) (value, *url.URL, bool) {
	v, ok := readText(r)
	if !ok {
		return v, nil, false
	}
	if r.unread {
		// It must pass for a URL, and lead nowhere (RFC 6761 section 6.4).
		v.secret = opaque.NewSecret("https://not-read.invalid/")
		v.text = v.secret.Reveal()
		return v, nil, true
	}
	if r.attr.secret { // before anything is said of it
		r.l.KeepSecret(v.text)
	}
	if complaint := notAURL(v.text, "http", "https"); complaint != "" {
		v, ok = r.wrong(ruleURL, "%s: %s", diagnose.Capital(r.show(v.text)), complaint)
		return v, nil, ok
	}
	u, _ := url.Parse(v.text)
	if !plain && httpdo.IsExposed(v.text) {
		v, ok = r.wrong(rulePlainHTTP, "%s must begin with https://: others on the network could read what is sent to it over http://, which is only allowed to this machine.", r.attr.name)
		return v, nil, ok
	}
	r.warnOfSearchList(u.Hostname())
	v.secret = opaque.NewSecret(v.text)
	return v, u, true
}
