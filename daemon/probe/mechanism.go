package probe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"github.com/imapvigil/imapvigil/config"
)

// The mechanisms by their names in the configuration, which are those of the SASL
// registry.
const (
	mechPlain       = "PLAIN"
	mechLogin       = "LOGIN"
	mechSCRAM       = "SCRAM-SHA-256"
	mechXOAuth2     = "XOAUTH2"
	mechOAuthBearer = "OAUTHBEARER"
	mechExternal    = "EXTERNAL"
)

// preferred returns the mechanisms that a login can use, the best first: with a
// token those that take one, with a client certificate and no password EXTERNAL,
// with a password the one that does not send it, then those that do.
func preferred(login config.Login, options config.TLS) []string {
	switch {
	case login.Mechanism != "":
		return []string{login.Mechanism}
	case !login.Token.IsZero() || login.TokenURL != "":
		return []string{mechOAuthBearer, mechXOAuth2}
	case login.Password.IsZero() && !options.Cert.IsZero():
		return []string{mechExternal}
	}
	return []string{mechSCRAM, mechPlain, mechLogin}
}

// A way is how to log in: the LOGIN command, or AUTHENTICATE with a mechanism.
type way struct {
	mechanism string
	command   string // what is sent before the secrets
}

const loginCommand = "LOGIN"

// usableWays returns the ways that both sides have, the best first. LOGIN is the
// command (RFC 9051 section 6.2.3) and, where LOGINDISABLED forbids that, the old
// SASL mechanism.
func usableWays(login config.Login, options config.TLS, caps capabilities) (ways []way) {
	for _, mechanism := range preferred(login, options) {
		switch {
		// go-imap would send LOGIN although the server says LOGINDISABLED (v2.0.0-beta.8).
		case mechanism == mechLogin && !caps.has("LOGINDISABLED"):
			ways = append(ways, way{mechLogin, loginCommand})
		case caps.has("AUTH=" + mechanism):
			ways = append(ways, way{mechanism, "AUTHENTICATE " + mechanism})
		}
	}
	return ways
}

// saslClient returns our side of a mechanism.
func saslClient(mechanism string, login config.Login, token string, target config.Probe) (sasl.Client, error) {
	switch mechanism {
	case mechPlain:
		return &plainClient{response: "\x00" + login.Username + "\x00" + login.Password.Reveal()}, nil
	case mechLogin:
		return &loginClient{answers: []string{login.Username, login.Password.Reveal()}}, nil
	case mechSCRAM:
		client, err := scram.SHA256.NewClient(login.Username, login.Password.Reveal(), "")
		if err != nil {
			return nil, errors.New("the user name or the password holds characters that SCRAM does not allow (RFC 4013)")
		}
		return &scramClient{client.NewConversation()}, nil
	case mechXOAuth2:
		return bearer{sent: "user=" + login.Username + "\x01auth=Bearer " + token + "\x01\x01", mechanism: mechXOAuth2}, nil
	case mechOAuthBearer:
		_, first, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
			Username: login.Username, Token: token, Host: target.Hostname, Port: int(target.Port),
		}).Start()
		// The answer to the challenge of a refusal is %x01, RFC 7628 section 3.2.3.
		return bearer{sent: string(first), mechanism: mechOAuthBearer, goOn: "\x01"}, err
	case mechExternal:
		return sasl.NewExternalClient(login.Username), nil
	}
	return nil, fmt.Errorf("no mechanism is called %q", mechanism)
}

// plainClient is PLAIN, RFC 4616. Its challenges mean nothing: a server that does
// not understand the initial response of RFC 4959 may ask for it with a prompt.
type plainClient struct {
	response string
	prompts  int
}

func (p *plainClient) Start() (mechanism string, first []byte, err error) {
	return mechPlain, []byte(p.response), nil
}

func (p *plainClient) Next([]byte) ([]byte, error) {
	const enough = 2
	if p.prompts++; p.prompts > enough {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	return []byte(p.response), nil
}

// loginClient is the obsolete mechanism LOGIN: two prompts, whose texts differ
// from server to server, and two answers.
type loginClient struct {
	answers []string
}

func (l *loginClient) Start() (mechanism string, first []byte, err error) { return mechLogin, nil, nil }

func (l *loginClient) Next([]byte) ([]byte, error) {
	if len(l.answers) == 0 {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}

// scramClient is RFC 7677 for go-imap.
type scramClient struct {
	conversation *scram.ClientConversation
}

// maxIterations of PBKDF2 take less than a tenth of a second. The server chooses
// their number, and nothing ends the computation before it is done: a hostile
// one could keep this machine busy for hours. Usual are 4096, the least that
// RFC 7677 section 4 allows, to 100,000.
const maxIterations = 200_000

// errNotTheirs: what the server sent was not made of the password.
var errNotTheirs = errors.New("it sent a wrong answer; perhaps it does not know the password itself")

var errIterations = fmt.Errorf("it asks for more than %d iterations, which would only keep this machine busy", maxIterations)

func (s *scramClient) Start() (mechanism string, first []byte, err error) {
	text, err := s.conversation.Step("")
	return mechSCRAM, []byte(text), err
}

// Next answers a challenge; the last one proves that the server knows the
// password too, or says why it refuses: then its NO follows.
func (s *scramClient) Next(challenge []byte) ([]byte, error) {
	// The attribute e is the reason of a refusal, RFC 5802 section 5.1.
	if strings.HasPrefix(string(challenge), "e=") {
		return nil, nil
	}
	if iterations(string(challenge)) > maxIterations {
		return nil, errIterations
	}
	text, err := s.conversation.Step(string(challenge))
	if err != nil {
		err = errNotTheirs // the library quotes the server in its error
	}
	return []byte(text), err
}

// Proved reports whether the server sent its proof, without which its OK means
// nothing (RFC 5802 section 5.1, attribute v).
func (s *scramClient) Proved() bool { return s.conversation.Valid() }

// iterations returns the attribute i of a server's first message, RFC 5802 section
// 5.1; 0 where there is none.
func iterations(challenge string) (n int64) {
	for attribute := range strings.SplitSeq(challenge, ",") {
		if digits, ok := strings.CutPrefix(attribute, "i="); ok {
			parsed, _ := strconv.ParseInt(digits, 10, 64) // too large for a number is MaxInt64
			n = max(n, parsed)
		}
	}
	return n
}

// bearer is XOAUTH2 or OAUTHBEARER (RFC 7628). The challenge of a refusal holds
// JSON that says why, and wants an answer before the tagged NO comes.
type bearer struct {
	mechanism, sent, goOn string
}

func (b bearer) Start() (mechanism string, first []byte, err error) {
	return b.mechanism, []byte(b.sent), nil
}

func (b bearer) Next([]byte) ([]byte, error) { return []byte(b.goOn), nil }
