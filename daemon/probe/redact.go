package probe

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/imapvigil/imapvigil/config"
)

const stars = "***"

// A redactor stars out secrets in what a server says: servers are known to
// repeat a command in its answer, and a hostile one may repeat a password on
// purpose, as it is or as it was sent: in base64, or quoted with backslashes.
type redactor struct {
	mu      sync.Mutex
	secrets []string // the longest first
}

// asSent is what a server said, as it sent it. It is there to be compared; since
// it may hold a secret, it prints as stars.
type asSent string

func (asSent) String() string { return stars }

// GoString is String, for %#v.
func (asSent) GoString() string { return stars }

func newRedactor(login config.Login) *redactor {
	r := &redactor{}
	for _, secret := range []string{login.Password.Reveal(), login.Token.Reveal(), login.ClientSecret.Reveal()} {
		r.add(secret)
		r.addSpellings(secret)
	}
	if password := login.Password.Reveal(); password != "" {
		r.add("\x00" + login.Username + "\x00" + password) // PLAIN, whatever mechanism is used
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
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, spelling := range []string{
		strings.ToUpper(secret), strings.ToLower(secret), url.QueryEscape(secret), url.PathEscape(secret),
		fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
	} {
		if !slices.Contains(r.secrets, spelling) {
			r.secrets = append(r.secrets, spelling)
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

// quoting is how a string is written, RFC 9051 section 4.3.
var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// add makes a text, its base64 and its quoted form secret.
func (r *redactor) add(secret string) {
	if secret == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = append(r.secrets, secret, base64.StdEncoding.EncodeToString([]byte(secret)))
	if quoted := quoting.Replace(secret); quoted != secret {
		r.secrets = append(r.secrets, quoted)
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

// addSent makes what was sent as an answer to a SASL challenge, or as the
// arguments of a login, secret as well. Short words and the user's name are
// left alone.
func (r *redactor) addSent(wire, username string) {
	const short = 8
	for word := range strings.FieldsSeq(wire) {
		if len(word) > short && strings.Trim(word, `"`) != username {
			r.add(word)
		}
	}
}

// cutText is text for what ends in the middle: the beginning of a secret at its end
// is starred out as well.
func (r *redactor) cutText(s string) string {
	const least = 3 // bytes; fewer give nothing away, and are likely to be something else
	s = r.text(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range r.secrets {
		for n := min(len(secret), len(s)); n >= least; n-- {
			if strings.HasSuffix(s, secret[:n]) {
				return s[:len(s)-n] + stars
			}
		}
	}
	return s
}

func (r *redactor) text(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, stars)
	}
	return s
}
