package probe

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

const stars = "***"

// A redactor stars out secrets in what a server says: servers are known to
// repeat a command in its answer, and a hostile one may repeat a password on
// purpose, as it is or as it was sent: in base64, or quoted with backslashes.
type redactor struct{ known opaque.Scrubber }

// asSent is what a server said, as it sent it. It is there to be compared; since
// it may hold a secret, it prints as stars.
type asSent string

func (asSent) String() string { return stars }

// GoString is String, for %#v.
func (asSent) GoString() string { return stars }

func newRedactor(login config.Login) *redactor {
	r := &redactor{opaque.Scrubber{Mark: stars, Least: 1}}
	for _, secret := range []string{login.Password.Reveal(), login.Token.Reveal(), login.ClientSecret.Reveal()} {
		r.addSecret(secret)
		r.addSpellings(secret)
	}
	if password := login.Password.Reveal(); password != "" {
		r.addSecret("\x00" + login.Username + "\x00" + password) // PLAIN, whatever mechanism is used
	}
	return r
}

// addSpellings adds other ways to write a secret: in other letter case, for a URL,
// in hexadecimal digits. Of short secrets these would be words of everyday answers.
func (r *redactor) addSpellings(secret string) {
	const short = 6 // bytes
	if len(secret) < short {
		return
	}
	r.known.Add(
		strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(secret), url.PathEscape(secret),
		fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
	)
}

// quoting is how a string is written, RFC 9051 section 4.3.
var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// addSecret makes a text, its base64 and its quoted form secret.
func (r *redactor) addSecret(secret string) {
	if secret == "" {
		return
	}
	r.known.Add(secret, base64.StdEncoding.EncodeToString([]byte(secret)), quoting.Replace(secret))
}

// addSent makes what was sent as an answer to a SASL challenge, or as the
// arguments of a login, secret as well. Short words and the user's name are
// left alone.
func (r *redactor) addSent(wire, username string) {
	const short = 8
	for word := range strings.FieldsSeq(wire) {
		if len(word) > short && strings.Trim(word, `"`) != username {
			r.addSecret(word)
		}
	}
}

// cutText redacts what ends in the middle: the beginning of a secret at its end
// is starred out as well.
func (r *redactor) cutText(s string) string { return r.known.ScrubCut(s) }

func (r *redactor) redactText(s string) string { return r.known.Scrub(s) }
