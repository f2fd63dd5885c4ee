package email

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// mechanisms are the values of the attribute auth, with the names of the SASL
// registry, in the order in which "auto" prefers them: first what does not show
// the password to the server at all. The -PLUS variants are left out, since
// they fail behind whatever ends TLS in front of the server.
var (
	mechanisms = map[string]string{
		"scram-sha-256": "SCRAM-SHA-256",
		"scram-sha-1":   "SCRAM-SHA-1",
		"plain":         "PLAIN",
		"login":         "LOGIN",
		"cram-md5":      "CRAM-MD5",
	}
	preference = []string{"scram-sha-256", "scram-sha-1", "plain", "login", "cram-md5"}
)

// Mechanisms lists what the attribute auth may name besides "auto".
func Mechanisms() []string { return slices.Clone(preference) }

// choose returns the mechanism to use among those the server offers.
func (s Settings) choose(offered string) (string, error) {
	// Registered names are in capitals (RFC 4422 section 3.1); not every server writes
	// them so.
	names := strings.Fields(strings.ToUpper(offered))
	wanted := []string{s.Auth}
	if s.Auth == "auto" {
		wanted = preference
	}
	for _, mechanism := range wanted {
		if slices.Contains(names, mechanisms[mechanism]) {
			return mechanism, nil
		}
	}
	return "", fmt.Errorf("auth %q allows none of the mechanisms that the server offers: %q", s.Auth, strings.Join(names, " "))
}

// auth makes the client's side of a mechanism. The last argument of PLAIN and
// LOGIN keeps go-mail from looking for TLS itself, which it does not see under
// the [keywordReader]: a username is accepted only with TLS (checkSecurity).
func (s Settings) auth(mechanism string) smtp.Auth {
	user, password := s.Username, s.Password.Reveal()
	switch mechanism {
	case "scram-sha-256":
		return bounded{smtp.ScramSHA256Auth(user, password)}
	case "scram-sha-1":
		return bounded{smtp.ScramSHA1Auth(user, password)}
	case "login":
		return smtp.LoginAuth(user, password, s.Host, true)
	case "cram-md5":
		return smtp.CRAMMD5Auth(user, password)
	}
	return smtp.PlainAuth("", user, password, s.Host, true)
}

// maxIterations is ten times what OWASP asks for. The server names the count
// (RFC 5802 section 5.1), and no context interrupts the hashing.
const maxIterations = 6_000_000

// bounded is SCRAM that does not hash for as long as a server likes.
type bounded struct{ smtp.Auth }

func (b bounded) Next(challenge []byte, more bool) ([]byte, error) {
	for field := range bytes.SplitSeq(challenge, []byte(",")) {
		// Only the server's first message has i= (RFC 5802 section 5.1).
		if count, ok := bytes.CutPrefix(field, []byte("i=")); ok {
			if n, err := strconv.Atoi(string(count)); err != nil || n < 1 || n > maxIterations {
				return nil, fmt.Errorf("SCRAM with %s iterations", count)
			}
		}
	}
	return b.Auth.Next(challenge, more)
}
