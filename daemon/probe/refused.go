package probe

import (
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A refusal is what a server's NO means.
type refusal struct {
	cause   incident.Cause
	account bool // about the probe's own account, not about the service
	hint    string
}

// refusals are the response codes of RFC 9051 section 7.1 (RFC 5530) that say
// what a NO means.
var refusals = map[string]refusal{
	"AUTHENTICATIONFAILED": {incident.CauseCredentialsRejected, true, "The server rejects the user name or the password."},
	"AUTHORIZATIONFAILED":  {incident.CauseCredentialsRejected, true, "The server knows the user and does not let him act here."},
	"EXPIRED":              {incident.CauseAccountExpired, true, "The account or its password has expired."},
	"CONTACTADMIN":         {incident.CauseContactAdmin, true, "The account needs its administrator."},
	"PRIVACYREQUIRED":      {incident.CausePrivacyRequired, true, "The server wants a better protected connection for this account."},
	"OVERQUOTA":            {incident.CauseOverQuota, true, "The account is over its quota."},
	"UNAVAILABLE":          {incident.CauseBackendUnavailable, false, "The server works and something behind it does not: the directory, the database or the storage."},
	"INUSE":                {incident.CauseMailboxInUse, false, "The mailbox is locked by somebody else, or a lock was left behind."},
	"LIMIT":                {incident.CauseConnectionLimit, false, "The server refuses because of a limit of its own."},
	"SERVERBUG":            {incident.CauseServerBug, false, "The server itself says that it has a bug."},
}

var limitRefusal = refusal{
	incident.CauseConnectionLimit, false,
	"The server refuses because of its limit on connections or sessions; the limit, or a leak of sessions, is the place to look.",
}

// How servers say in a text what they have no code for.
var (
	policyTexts = []string{
		"basic authentication is disabled", "basicauthblocked", "basic auth", "legacy authentication", "less secure",
		"application-specific password", "app password", "web browser", "imap access is disabled", "imap is disabled",
		"imap access disabled", "imap not allowed", "not allowed to use imap", "imap service is disabled", "disabled for this",
		"security policy", "conditional access", "multi-factor", "second factor",
	}
	backendTexts = []string{
		"temporar", "try again", "unavailable", "backend", "internal error", "internal server error", "ldap", "database", "sql",
		"auth server", "auth process", "authentication server", "authentication service", "timed out", "timeout",
		"could not connect", "couldn't connect", "connection refused", "not responding", "i/o error", "lookup failed",
	}
	throttleTexts = []string{
		"too many login", "too many failed", "too many bad", "too many invalid", "too many auth", "too many incorrect",
		"login failures", "failed attempts", "failed login", "blocked", "banned",
	}
	missingTexts = []string{
		"doesn't exist", "does not exist", "no such mailbox", "no such folder", "unknown mailbox", "not found", "nonexistent", "non-existent",
	}
)

// refusedLogin is what the NO or BAD to a login means.
func (s *session) refusedLogin(mechanism string) *failure {
	answer := s.answer()
	refused, known := refusals[answer.code]
	switch {
	case speaksOfLimit(answer.text):
		refused = limitRefusal
	case known && refused.cause != incident.CauseCredentialsRejected:
	case containsAny(answer.text, throttleTexts):
		refused = refusal{incident.CauseLoginRefused, true, "The server turns this user or this machine away after failed logins."}
	case containsAny(answer.text, policyTexts):
		refused = refusal{incident.CausePolicy, true, "The server's policy forbids this kind of login; its words say why."}
	case mechanism == mechXOAuth2 || mechanism == mechOAuthBearer:
		refused = refusal{incident.CauseTokenRefused, true, "The server refuses the OAuth token: it is expired, for another audience, or without the scope that IMAP needs."}
	case known:
	case containsAny(answer.text, backendTexts):
		refused = refusals["UNAVAILABLE"]
	default:
		refused = refusal{incident.CauseLoginRefused, true, "The server refuses the login without saying why: the credentials, or the directory behind them."}
	}
	return s.refused(refused, answer)
}

// refusedMailbox is what the NO or BAD to EXAMINE means.
func (s *session) refusedMailbox() *failure {
	answer := s.answer()
	refused, known := refusals[answer.code]
	switch {
	case speaksOfLimit(answer.text):
		refused = limitRefusal
	case answer.code == "NONEXISTENT", !known && containsAny(answer.text, missingTexts):
		refused = refusal{incident.CauseMailboxMissing, true, "The mailbox " + quoted(s.check.Login.Mailbox) + " does not exist."}
	case known:
	case answer.code == "NOPERM":
		refused = refusal{incident.CausePolicy, true, "The account may not open the mailbox " + quoted(s.check.Login.Mailbox) + "."}
	default:
		refused = refusal{incident.CauseBackendUnavailable, false, "The mailbox cannot be opened: the storage behind the server is the place to look."}
	}
	return s.refused(refused, answer)
}

func (s *session) refused(r refusal, answer response) *failure {
	f := s.fail(r.cause, r.hint)
	if r.account {
		f = accountFailure(s.phase, r.cause, r.hint)
	}
	return f.quoting(answer.raw)
}
