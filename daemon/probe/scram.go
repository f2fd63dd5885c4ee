package probe

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// Servers offer SCRAM whose passwords are kept in a form that only PLAIN can check
// (Dovecot with hashed passwords, GNU mailutils), and refuse it with the words for
// a wrong password. So a login whose mechanism is not written tries once more
// without SCRAM, in the same session, which is always under verified TLS.
//
// A wrong password must not count twice with those who ban, so the second try
// comes once for an account and its credentials, not once a probe: whatever
// becomes of it, logins go without SCRAM from then on. Only when the password was
// wrong for PLAIN as well, and is accepted later, is SCRAM tried again: then it was
// perhaps only the password.

// scramPast is what an account has to know of SCRAM.
type scramPast struct {
	credentials uint64 // a hash of those that SCRAM refused; another password has another past
	refused     bool
	doubtful    bool // the other mechanism refused them, too
}

// skipsSCRAM reports whether logins with these credentials go without SCRAM.
func (a *accounts) skipsSCRAM(key accountKey, credentials uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	past := a.accountFor(key).scram
	return past.refused && past.credentials == credentials
}

// refuseSCRAM notes that SCRAM was refused, and whether the other mechanism was
// accepted.
func (a *accounts) refuseSCRAM(key accountKey, credentials uint64, accepted bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.accountFor(key).scram = scramPast{credentials: credentials, refused: true, doubtful: !accepted}
}

// acceptOther notes that a login without SCRAM was accepted.
func (a *accounts) acceptOther(key accountKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc := a.accountFor(key); acc.scram.doubtful {
		acc.scram = scramPast{}
	}
}

// tryWays logs in by the best of some ways, the best first, and by the second
// where SCRAM is refused.
func (s *session) tryWays(ways []way) error {
	key, credentials := accountOf(s.check), hashCredentials(s.check.Login)
	if len(ways) == 1 || ways[0].mechanism != mechSCRAM {
		return s.try(ways[0], false)
	}
	if _, err := saslClient(mechSCRAM, s.check.Login, "", s.check); err != nil {
		return s.try(ways[1], false) // the name or the password holds characters that SCRAM does not allow
	}
	if s.prober.accounts.skipsSCRAM(key, credentials) {
		err := s.try(ways[1], false)
		if err == nil {
			s.prober.accounts.acceptOther(key)
		}
		return err
	}
	err := s.try(ways[0], true)
	f, failed := err.(*failure) //nolint:errorlint // a failure is never wrapped
	if !failed || s.lost || !mayBeMechanism(f) {
		return err
	}
	again := s.try(ways[1], false)
	s.prober.accounts.refuseSCRAM(key, credentials, again == nil)
	switch {
	case again == nil:
		s.noteSCRAM(ways[1].mechanism, f)
	case s.lost:
		return err // the server hung up after the first refusal, which says more
	}
	return again
}

// mayBeMechanism reports whether another mechanism could be accepted where SCRAM
// was refused.
func mayBeMechanism(f *failure) bool {
	switch f.cause {
	case config.CauseProtocolError, // what the server sent was no SCRAM, and it took the cancellation
		config.CauseCredentialsRejected, config.CauseLoginRefused, config.CauseBackendUnavailable, config.CauseServerBug:
		// Another try would count against whom the server has banned already.
		return !f.banned
	}
	return false
}

func (s *session) noteSCRAM(used string, f *failure) {
	happens, reason := "refuses the login with it", "Perhaps passwords are kept there in a form that SCRAM cannot check."
	if f.cause == config.CauseProtocolError {
		happens, reason = "cannot do it", f.hint
	}
	s.outcome.notes = append(s.outcome.notes, incident.Note{
		Cause: config.CauseSCRAMRefused, Evidence: f.evidence, Address: s.goal.ip.String(),
		Text: "The server offers " + mechSCRAM + " and " + happens + "; the same password is accepted with " + used + ". " + reason +
			" mechanism = " + quoted(used) + " in the login block skips the attempt with SCRAM.",
	})
}
