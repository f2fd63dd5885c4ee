package probe

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"github.com/imapvigil/imapvigil/config"
)

// logInAndOpen logs in and opens the mailbox, when it is this conversation's turn to
// do so.
func (s *session) logInAndOpen() error {
	return s.logInInTurn(func(c claim) error {
		err := s.timePhase(config.PhaseLogin, s.logIn)
		if err == nil {
			s.prober.accounts.noteAccepted(c)
			if s.check.Login.Mailbox != "" {
				err = s.timePhase(config.PhaseSelect, s.examine)
			}
		}
		if err == nil {
			return nil
		}
		f := asFailure(s.phase, err)
		if f.condition == config.ConditionAccount {
			// This becomes a finding and ends nothing, so loginAndLogout does not add the alerts.
			f.evidence = s.withAlerts(f)
		}
		return f
	})
}

// logIn logs in by the best mechanism that the server offers and the check allows.
func (s *session) logIn() error {
	if err := s.client.WaitGreeting(); err != nil {
		return s.connectionFailure()
	}
	ways := usableWays(s.check.Login, s.check.TLS, s.caps)
	if len(ways) == 0 {
		return accountFailure(s.phase, config.CauseCapabilityMissing, s.noMechanismHint()).withEvidence(s.redact.redactText(strings.Join(s.caps, " ")))
	}
	return s.tryWays(ways)
}

// try logs in one way. When another may follow, a mechanism that goes wrong is
// cancelled, so that the session can go on.
func (s *session) try(w way, another bool) error {
	login := s.check.Login
	token, err := s.bearerToken(w.mechanism)
	if err != nil {
		return err
	}
	s.gate.beginSecret(w, login.Username)
	defer s.gate.endSecret()
	if w.command == loginCommand {
		return s.judgeLoginAnswer(s.client.Login(login.Username, login.Password.Reveal()).Wait(), w.mechanism)
	}
	client, err := saslClient(w.mechanism, login, token, s.check)
	if err != nil {
		return accountFailure(s.phase, config.CauseCredentialsRejected, "No login was tried: "+err.Error()+".")
	}
	return s.judgeLoginAnswer(s.authenticate(client, another), w.mechanism)
}

// noMechanismHint returns a hint with the mechanisms that the server offers and those that this
// program could use.
func (s *session) noMechanismHint() string {
	const enough = 8
	var offered []string
	for _, c := range s.caps {
		if name := strings.ToUpper(c); strings.HasPrefix(name, "AUTH=") && len(offered) < enough {
			offered = append(offered, s.redact.redactText(name[len("AUTH="):]))
		}
	}
	offer := "It offers " + strings.Join(offered, ", ")
	if len(offered) == 0 {
		offer = "It offers none"
	}
	if s.caps.has("LOGINDISABLED") {
		offer += ", and forbids the command LOGIN (LOGINDISABLED)"
	}
	limit := "this program can use no other for it"
	if s.check.Login.Mechanism != "" {
		limit = "the attribute mechanism allows no other"
	}
	return "The server does not offer the mechanism that the login needs (" + strings.Join(preferred(s.check.Login, s.check.TLS), " or ") + "); " +
		limit + ". " + offer + ". Nothing was sent."
}

// A mechanismError is an error of our side of a SASL mechanism: what the server
// sent does not fit.
type mechanismError struct {
	error

	over bool // the server has answered that the exchange is over
}

var errNoProof = errors.New("it accepts the password without the proof that SCRAM requires")

// authenticate runs a mechanism. Its own errors are told from go-imap's.
func (s *session) authenticate(client sasl.Client, cancels bool) error {
	watched := &watchedClient{Client: client, cancels: cancels}
	err := s.client.Authenticate(watched)
	if watched.err != nil {
		return mechanismError{watched.err, isRefusal(err)}
	}
	if mutual, ok := client.(interface{ Proved() bool }); ok && err == nil && !mutual.Proved() {
		return mechanismError{errNoProof, false}
	}
	return err
}

// A watchedClient keeps the first error of a mechanism.
type watchedClient struct {
	sasl.Client

	err     error
	cancels bool // tells the server when something went wrong, instead of breaking off
}

func (w *watchedClient) Next(challenge []byte) (answer []byte, err error) {
	if w.err != nil {
		return nil, w.err
	}
	answer, w.err = w.Client.Next(challenge)
	if w.err != nil && w.cancels {
		return cancelling, nil
	}
	return answer, w.err
}

// bearerToken returns the token that the bearer mechanisms send, fetched where a token_url is set;
// "" for other mechanisms.
func (s *session) bearerToken(mechanism string) (string, error) {
	login := s.check.Login
	if mechanism != mechXOAuth2 && mechanism != mechOAuthBearer {
		return "", nil
	}
	if login.TokenURL == "" {
		return login.Token.Reveal(), nil
	}
	began := time.Now()
	// Half of the time that is left stays for the login.
	ctx, cancel := context.WithDeadline(s.ctx, began.Add(time.Until(s.deadline)/2))
	defer cancel()
	token, err := s.prober.tokens.tokenFor(ctx, sourceOf(login))
	if err != nil {
		f := tokenFailure(err)
		return "", f.withEvidence(s.redact.redactText(f.evidence.String()))
	}
	// newRedactor could not know a token that was fetched just now.
	s.redact.addSecret(token.Reveal())
	return token.Reveal(), nil
}

func (s *session) judgeLoginAnswer(err error, mechanism string) error {
	if err == nil {
		return s.stillThere()
	}
	if wrong, ok := errors.AsType[mechanismError](err); ok {
		s.lost = !wrong.over
		return s.fail(config.CauseProtocolError, "The server breaks the rules of "+mechanism+": "+wrong.Error()+".")
	}
	if !isRefusal(err) {
		return s.connectionFailure()
	}
	f := s.refused(loginRefused)
	if f.cause == config.CauseTokenRefused {
		// It may have been withdrawn: the next login fetches a new one.
		s.prober.tokens.dropToken(sourceOf(s.check.Login))
	}
	return f
}

// examine opens the mailbox for reading only: SELECT would take the \Recent
// flags away from a mail program (RFC 3501 section 6.3.2).
func (s *session) examine() error {
	_, err := s.client.Select(s.check.Login.Mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err == nil {
		err = s.stillThere()
		if err == nil {
			s.rememberOpened()
		}
		return err
	}
	if !isRefusal(err) {
		return s.connectionFailure()
	}
	return s.refused(mailboxRefused)
}

// rememberOpened notes that the mailbox exists.
func (s *session) rememberOpened() {
	s.past.mu.Lock()
	defer s.past.mu.Unlock()
	s.past.opened = true
}

// isRefusal reports whether go-imap got a NO or BAD, and not trouble.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*imap.Error](err)
	return ok
}
