package smtpsink

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/xdg-go/scram"
)

// authenticator makes the server's side of a SASL mechanism.
func (c *session) authenticator(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return c.verify(user, password) }), nil
	case "LOGIN":
		return &dialogue{prompts: []string{"Username:", "Password:"}, finish: func(answers []string) error {
			return c.verify(answers[0], answers[1])
		}}, nil
	case "CRAM-MD5":
		const challenge = "<1896.697170952@sink.example>" // the form of RFC 2195
		return &dialogue{prompts: []string{challenge}, finish: func(answers []string) error {
			return c.verifyCRAM(challenge, answers[0])
		}}, nil
	case "SCRAM-SHA-1":
		return c.scram(scram.SHA1)
	case "SCRAM-SHA-256":
		return c.scram(scram.SHA256)
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// verify ends an authentication, the misbehaviour of the stage included.
func (c *session) verify(user, password string) error {
	err := c.conclude(user, user == c.sink.options.Username && password == c.sink.options.Password)
	var answer *smtp.SMTPError
	if !errors.As(err, &answer) {
		return err
	}
	repeated := *answer
	coded := base64.StdEncoding.EncodeToString([]byte(password))
	repeated.Message = strings.NewReplacer("$secret", password, "$base64", coded).Replace(answer.Message)
	return &repeated
}

func (c *session) conclude(user string, right bool) error {
	if err := c.sink.misbehave(c.conn.Conn(), Auth, ""); err != nil {
		return err
	}
	if !right {
		return smtp.ErrAuthFailed
	}
	c.user = user
	return nil
}

func (c *session) verifyCRAM(challenge, answer string) error {
	user, digest, _ := strings.Cut(answer, " ")
	mac := hmac.New(md5.New, []byte(c.sink.options.Password))
	mac.Write([]byte(challenge))
	return c.conclude(user, user == c.sink.options.Username && digest == hex.EncodeToString(mac.Sum(nil)))
}

// A dialogue asks its prompts in turn.
type dialogue struct {
	prompts []string
	answers []string
	asked   bool
	finish  func(answers []string) error
}

func (d *dialogue) Next(response []byte) (challenge []byte, done bool, err error) {
	if d.asked {
		d.answers = append(d.answers, string(response))
	}
	if len(d.answers) == len(d.prompts) {
		return nil, true, d.finish(d.answers)
	}
	d.asked = true
	return []byte(d.prompts[len(d.answers)]), false, nil
}

// scram serves RFC 5802 without channel binding.
func (c *session) scram(hash scram.HashGeneratorFcn) (sasl.Server, error) {
	factors := scram.KeyFactors{Salt: "sink's own salt", Iters: 4096}
	client, err := hash.NewClient(c.sink.options.Username, c.sink.options.Password, "")
	if err != nil {
		return nil, err
	}
	stored, err := client.GetStoredCredentialsWithError(factors)
	if err != nil {
		return nil, err
	}
	server, err := hash.NewServer(func(string) (scram.StoredCredentials, error) { return stored, nil })
	if err != nil {
		return nil, err
	}
	return &scramServer{session: c, conversation: server.NewConversation()}, nil
}

type scramServer struct {
	session      *session
	conversation *scram.ServerConversation
}

func (s *scramServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil || s.conversation.Done() {
		return nil, s.conversation.Done(), nil
	}
	answer, err := s.conversation.Step(string(response))
	if err != nil || s.conversation.Done() {
		user := s.conversation.Username()
		if err := s.session.conclude(user, s.conversation.Valid() && user == s.session.sink.options.Username); err != nil {
			return nil, true, err
		}
	}
	return []byte(answer), false, nil
}
