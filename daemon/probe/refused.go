package probe

import (
	"fmt"

	"github.com/imapvigil/imapvigil/config"
)

// refused returns what the NO or BAD to the login or to EXAMINE means.
func (s *session) refused(in situation) *failure {
	answer, reason := s.taggedAnswer()
	said := s.statement(in, answer)
	if reason.status != "" && isGeneric(said.plainWords()) { // "* BAD why", and then a NO without a word
		said.words += " " + reason.spokenText()
		if said.code == "" {
			said.code = reason.code
		}
		answer.raw += " " + reason.raw
	}
	return s.refusedWithoutCertificate(s.means(meaningOf(said), said).withEvidence(answer.raw))
}

// refusedEarly returns the failure of a NO or BAD to a command before the login: a limit, if the
// words say so, else the cause and the hint that the command gives.
func (c *conversation) refusedEarly(answer response, cause config.Cause, hint string) *failure {
	said := c.statement(earlyEnd, answer)
	if m := meaningOf(said); m.cause != "" {
		return c.means(m, said).withEvidence(answer.raw)
	}
	return c.fail(cause, hint).withEvidence(answer.raw)
}

// bye returns the failure of a session that the server ends with BYE.
func (c *conversation) bye(r response) *failure {
	said := c.statement(c.ending(loginEnded, mailboxEnded), r)
	switch m := meaningOf(said); {
	case m.cause != "":
		return c.means(m, said).withEvidence(r.raw)
	case isGeneric(said.plainWords()):
		return c.fail(config.CauseBye, "The server closed the session without a reason."+c.rejectionsRemark()).withEvidence(r.raw)
	}
	return c.fail(config.CauseBye, "The server closed the session; its reason is quoted."+c.rejectionsRemark()).withEvidence(r.raw)
}

// cutShort returns the failure after an untagged NO or BAD and a closed connection.
func (c *conversation) cutShort(r response) *failure {
	said := c.statement(c.ending(loginCut, mailboxCut), r)
	if m := meaningOf(said); m.cause != "" {
		return c.means(m, said).withEvidence(r.raw)
	}
	words := clean(r.text)
	if words == "" {
		words = r.status
	}
	return c.fail(config.CauseClosed, fmt.Sprintf("The server said %q and closed the connection %s.", words, c.phase.When())).withEvidence(r.raw)
}

// ending returns the situation of a session that ends in the present phase.
func (c *conversation) ending(login, mailbox situation) situation {
	switch c.phase {
	case config.PhaseLogin:
		return login
	case config.PhaseSelect:
		return mailbox
	default:
		return earlyEnd
	}
}

// statement returns a response with what is needed to understand it.
func (c *conversation) statement(in situation, r response) statement {
	c.past.mu.Lock()
	opened := c.past.opened
	c.past.mu.Unlock()
	login := c.check.Login
	return statement{
		situation: in, code: r.code, words: r.spokenText(), login: login, host: c.check.Hostname,
		opened: opened, bearer: !login.Token.IsZero() || login.TokenURL != "",
	}
}

// means returns the meaning of a statement as a failure of the present phase.
func (c *conversation) means(m meaning, s statement) *failure {
	f := c.fail(m.cause, m.hint)
	if m.account {
		f = accountFailure(c.phase, m.cause, m.hint)
	}
	f.banned, f.backoff = m.banned, backoffAsked(m, s)
	return f
}
