package probe

import (
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// A statement is what a server said when it refused a step of the login or ended
// the session, with what is needed to understand it. The words are as the server
// sent them: secrets are masked only where words are shown.
type statement struct {
	situation situation
	code      string // the response code, upper case; "" without one
	words     string
	login     config.Login // whose name and mailbox the words may repeat
	host      string       // of the server, which they may repeat as well
	opened    bool         // the mailbox could be opened before
	bearer    bool         // a token was sent, not a password
}

// A situation is where in a conversation a statement comes and in what form.
// Situations are bits, so that one rule can hold for several.
type situation uint8

const (
	loginRefused   situation = 1 << iota // tagged NO or BAD to the login
	mailboxRefused                       // tagged NO or BAD to EXAMINE
	loginEnded                           // BYE in answer to the login, or right behind its OK
	mailboxEnded                         // BYE in answer to EXAMINE, or right behind its OK
	loginCut                             // untagged NO or BAD in answer to the login, then the connection closed
	mailboxCut                           // the same in answer to EXAMINE
	earlyEnd                             // BYE, or untagged NO or BAD and a closed connection, before the login

	refusals   = loginRefused | mailboxRefused
	endings    = loginEnded | mailboxEnded | loginCut | mailboxCut
	aboutLogin = loginRefused | loginEnded
	anywhere   = refusals | endings | earlyEnd
)

// A meaning is what a statement says about the server or the account. The zero
// meaning says that the statement decides nothing.
type meaning struct {
	cause   config.Cause
	account bool   // about the probe's own account or mailbox, not about the service
	hint    string // "{mailbox}" stands for its name in quotes
	banned  bool   // failed logins are held against the account or this machine: not to be followed by another one
}

// A rule gives statements a meaning. The conditions that it names must all hold.
type rule struct {
	in      situation
	code    string  // the response code
	phrases phrases // at least one is among the words
	unless  phrases // none is among the words
	only    func(statement) bool
	meaning meaning
}

// meaningOf returns the meaning of a statement: that of the first rule that holds. The rules stand
// in three parts. Limits on the number of connections come first, because servers send them with
// any response code; then the response codes of RFC 9051 section 7.1 (RFC 5530), which outweigh all
// other words; then the words. Before words are compared, the user's own name, host and mailbox are
// taken out of them: a user may be called ldap.
func meaningOf(s statement) meaning {
	words := s.plainWords()
	for _, part := range [][]rule{limitRules, codeRules, wordRules} {
		for i := range part {
			if part[i].holds(s, words) {
				return s.complete(part[i].meaning)
			}
		}
	}
	return s.complete(s.otherwise(words))
}

func (r *rule) holds(s statement, words string) bool {
	return r.in&s.situation != 0 &&
		(r.code == "" || r.code == s.code) &&
		(r.phrases == nil || r.phrases.in(words)) &&
		(r.unless == nil || !r.unless.in(words)) &&
		(r.only == nil || r.only(s))
}

// complete puts in what a rule cannot know.
func (s statement) complete(m meaning) meaning {
	if s.bearer && m.account && !m.banned && (m.cause == config.CauseCredentialsRejected || m.cause == config.CauseLoginRefused) {
		m = meaning{
			cause: config.CauseTokenRefused, account: true,
			hint: "The server refuses the OAuth token: it is expired, for another audience, or without the scope that IMAP needs.",
		}
	}
	m.hint = strings.ReplaceAll(m.hint, "{mailbox}", quoted(s.login.Mailbox))
	return m
}

// otherwise returns the meaning of a refusal by which no rule holds. Only words about
// the service make it down, so it is the account's. The end of a session means
// nothing by itself.
func (s statement) otherwise(words string) meaning {
	silent := isGeneric(words)
	switch {
	case s.situation == loginRefused && silent:
		return meaning{config.CauseLoginRefused, true, "The server refuses the login without a reason. Check the credentials, the user directory, or, if this is a proxy, the server behind it.", false}
	case s.situation == loginRefused:
		return meaning{config.CauseLoginRefused, true, "The server refuses the login; see its reply. Check the credentials, or the user directory behind the server.", false}
	case s.situation == mailboxRefused && isInbox(s):
		return meaning{config.CausePolicy, true, "The server does not let the account open {mailbox}" + reasonGiven(silent), false}
	case s.situation == mailboxRefused:
		return meaning{config.CauseMailboxMissing, true, "The server does not open the mailbox {mailbox}" + reasonGiven(silent) +
			" Perhaps it does not exist, or the account may not read it.", false}
	}
	return meaning{}
}

func reasonGiven(silent bool) string {
	if silent {
		return " without a reason."
	}
	return "; see its reply."
}

func isInbox(s statement) bool { return strings.EqualFold(s.login.Mailbox, "INBOX") } // RFC 9051 section 5.1

// isLostMailbox reports whether trouble with files can be about the mailbox alone:
// INBOX always exists, and a mailbox that was opened before is not a wrong name.
func isLostMailbox(s statement) bool { return !isInbox(s) && !s.opened }

func isNotInbox(s statement) bool { return !isInbox(s) }

var (
	limitReached = meaning{
		cause: config.CauseConnectionLimit,
		hint:  "The server refuses because of its limit on connections or sessions. Check the limit, and look for sessions that are never closed.",
	}
	turnedAway = meaning{
		cause: config.CauseConnectionLimit,
		hint:  "The server refuses connections because there are too many. Check its limit, and look for sessions that are never closed.",
	}
	slowedDown = meaning{
		cause: config.CauseConnectionLimit,
		hint:  "The server limits the rate of connections, commands or data, and the limit was exceeded; see its reply.",
	}
	rejected      = meaning{cause: config.CauseCredentialsRejected, account: true, hint: "The server rejects the user name or the password."}
	refusedBehind = meaning{cause: config.CauseLoginRefused, account: true, hint: "The server behind this proxy refuses the login without a reason. Check the credentials, or the user directory."}
	heldAgainst   = meaning{config.CauseLoginRefused, true, "The server blocks this user or this machine after failed logins.", true}
	loginPolicy   = meaning{config.CausePolicy, true, "The server's policy forbids this kind of login; see its reply.", false}
	mailboxPolicy = meaning{config.CausePolicy, true, "The account is not allowed to open the mailbox {mailbox}; see the server's reply.", false}
	mailboxGone   = meaning{config.CauseMailboxMissing, true, "The mailbox {mailbox} does not exist.", false}
	mailboxLost   = meaning{config.CauseMailboxMissing, true, "The server closes the session when the check opens the mailbox {mailbox}. This check has not opened it before: it may not exist, or the account may not be allowed to read it.", false}
	mailboxNone   = meaning{config.CauseMailboxMissing, true, "The mailbox {mailbox} does not exist, has an invalid name, or is of a kind that cannot be opened.", false}
	mailboxInUse  = meaning{config.CauseMailboxInUse, false, "The mailbox is locked by another session, or by a stale lock.", false}
	expired       = meaning{config.CauseAccountExpired, true, "The account or its password has expired.", false}
	overQuota     = meaning{config.CauseOverQuota, true, "The account is over its quota.", false}
	needsPrivacy  = meaning{config.CausePrivacyRequired, true, "The server requires stronger encryption for this account.", false}
	brokenBehind  = meaning{config.CauseBackendUnavailable, false, "The server works, but something behind it fails: the user directory, the database or the storage.", false}
	brokenCheck   = meaning{config.CauseBackendUnavailable, false, "The server could not check the login: its user directory, database or authentication service fails.", false}
	brokenEarly   = meaning{config.CauseBackendUnavailable, false, "The server refuses connections because its user directory, database or authentication service fails.", false}
	brokenStore   = meaning{config.CauseBackendUnavailable, false, "The mailbox cannot be opened. Check the storage behind the server.", false}
	brokenFiles   = meaning{config.CauseBackendUnavailable, false, "The server closes the session because of a problem with files. Check its storage, and the permissions there.", false}
)
