package probe

import "github.com/imapvigil/imapvigil/config"

// limitRules hold whatever the response code says: Dovecot and others have sent
// their limits with [AUTHENTICATIONFAILED], [UNAVAILABLE] and [ALERT].
var limitRules = []rule{
	{in: earlyEnd, phrases: connectionCounts, unless: failedLogins, meaning: turnedAway},
	{in: loginEnded | mailboxEnded, phrases: connectionCounts, unless: failedLogins, meaning: turnedAway},
	{in: anywhere, phrases: connectionCounts, unless: failedLogins, meaning: limitReached},
}

// codeRules are the response codes that say why something is refused.
var codeRules = []rule{
	{in: earlyEnd | loginEnded | mailboxEnded, code: "LIMIT", meaning: turnedAway},
	{in: anywhere, code: "LIMIT", meaning: meaning{config.CauseConnectionLimit, false, "The server refuses because one of its limits is reached.", false}},
	{in: refusals | endings, code: "THROTTLED", meaning: slowedDown}, // Gmail

	{in: mailboxRefused, code: "NONEXISTENT", meaning: mailboxGone},
	{in: mailboxRefused, code: "TRYCREATE", meaning: mailboxGone}, // "it could be created": some servers say so to EXAMINE
	{in: mailboxRefused, code: "CANNOT", meaning: mailboxNone},
	{in: mailboxRefused, code: "NOPERM", meaning: meaning{config.CausePolicy, true, "The account may not open the mailbox {mailbox}.", false}},
	{in: mailboxRefused, code: "AUTHORIZATIONFAILED", meaning: meaning{config.CausePolicy, true, "The account may not open the mailbox {mailbox}.", false}},
	{in: mailboxRefused, code: "CLIENTBUG", meaning: mailboxPolicy},
	{in: mailboxRefused | mailboxEnded, code: "INUSE", meaning: mailboxInUse},
	{in: mailboxRefused | mailboxEnded, code: "CORRUPTION", meaning: brokenStore},

	{
		in: aboutLogin, code: "AUTHENTICATIONFAILED", phrases: failedLogins,
		meaning: meaning{config.CauseCredentialsRejected, true, "The server rejects the user name or the password; its reply says that it blocks this user or this machine after failed logins.", true},
	},
	{
		in: aboutLogin, code: "AUTHENTICATIONFAILED", phrases: forbiddenLogin,
		meaning: meaning{config.CauseCredentialsRejected, true, "The server rejects the user name or the password; its reply names a policy: this kind of login may be disabled, or need an app password.", false},
	},
	{in: aboutLogin, code: "AUTHENTICATIONFAILED", meaning: rejected},
	{in: aboutLogin, code: "AUTHORIZATIONFAILED", meaning: meaning{config.CauseCredentialsRejected, true, "The login is right, but the account is not allowed to use IMAP here.", false}},
	{in: loginRefused, code: "NOPERM", meaning: loginPolicy},
	{in: loginRefused, code: "WEBALERT", meaning: loginPolicy}, // Gmail: log in with a web browser first
	{in: loginRefused, code: "REFERRAL", meaning: meaning{config.CausePolicy, true, "The server refers this user to another server (RFC 2221), which its reply names.", false}},

	{in: refusals | loginEnded, code: "EXPIRED", meaning: expired},
	{in: refusals | loginEnded, code: "CONTACTADMIN", meaning: meaning{config.CauseContactAdmin, true, "The server says that the account needs its administrator.", false}},
	{in: refusals | loginEnded, code: "PRIVACYREQUIRED", meaning: needsPrivacy},
	{in: refusals | loginEnded, code: "OVERQUOTA", meaning: overQuota},
	{in: refusals | endings, code: "UNAVAILABLE", meaning: brokenBehind},
	{in: refusals, code: "INUSE", meaning: mailboxInUse},
	{in: refusals, code: "SYS/TEMP", meaning: brokenBehind}, // this one and the next two are codes of POP3 (RFC 3206) that gateways pass on
	{in: refusals, code: "SYS/PERM", meaning: brokenBehind},
	{in: aboutLogin, code: "AUTH", meaning: rejected},
	{in: refusals, code: "SERVERBUG", meaning: meaning{config.CauseServerBug, false, "The server itself says that it has a bug.", false}},
}

// wordRules are for statements without a code that decides. Where words fit two
// rules, the first holds: what names the account outweighs what names a part of
// the server, except that a check which could not be made says nothing about the
// account ("Temporary authentication failure").
var wordRules = []rule{
	// The end of a session, with or without BYE.
	{in: mailboxEnded | mailboxCut, phrases: lostFiles, only: isLostMailbox, meaning: mailboxLost},
	{in: endings, phrases: lostFiles, meaning: brokenFiles},
	{in: endings, phrases: storeTrouble, meaning: brokenFiles},
	{in: loginEnded | mailboxEnded, phrases: checkerTrouble, meaning: brokenCheck},
	{in: earlyEnd, phrases: checkerTrouble, unless: failedLogins, meaning: brokenEarly}, // Dovecot greets with it while its auth process dies at every start
	{in: loginEnded | mailboxEnded, phrases: checkers, meaning: brokenBehind},
	{in: loginEnded, phrases: failedLogins, meaning: heldAgainst},
	{in: loginEnded, phrases: forbiddenLogin, meaning: loginPolicy},
	{in: mailboxEnded, phrases: forbiddenLogin, meaning: mailboxPolicy},
	{in: earlyEnd | loginEnded | mailboxEnded, phrases: tooMuchAtOnce, unless: failedLogins, meaning: turnedAway},
	{in: loginCut | mailboxCut, phrases: tooMuch, unless: tooManyFiles, meaning: slowedDown},
	{in: loginCut | mailboxCut, phrases: trouble, meaning: brokenBehind},
	{in: loginCut | mailboxCut, phrases: partsBehind, meaning: brokenBehind},

	// A refused login.
	{in: loginRefused, phrases: failedLogins, meaning: heldAgainst},
	{in: loginRefused, phrases: expiredAccount, meaning: expired},
	{in: loginRefused, phrases: fullAccount, meaning: overQuota},
	{in: loginRefused, phrases: forbiddenLogin, meaning: loginPolicy},
	{in: loginRefused, phrases: insecureLogin, meaning: needsPrivacy},
	{in: loginRefused, phrases: tooMuch, unless: tooManyFiles, meaning: slowedDown},
	{in: loginRefused, phrases: trouble, meaning: brokenBehind},
	{in: loginRefused, phrases: passedOn, meaning: refusedBehind},
	{in: loginRefused, phrases: wrongCredentials, meaning: rejected},
	{in: loginRefused, phrases: partsBehind, meaning: brokenBehind},
	{in: loginRefused, phrases: checkers, meaning: brokenBehind},
	{in: loginRefused, phrases: storeTrouble, meaning: brokenFiles},
	{in: loginRefused, phrases: noSuchFile, meaning: brokenFiles},
	{in: loginRefused, phrases: aboutCredentials, meaning: rejected},
	{in: loginRefused, phrases: notNow, meaning: brokenBehind},

	// A refused mailbox.
	{in: mailboxRefused, phrases: tooMuch, unless: tooManyFiles, meaning: slowedDown},
	{in: mailboxRefused, phrases: mailboxLocked, meaning: mailboxInUse},
	{in: mailboxRefused, phrases: forbiddenLogin, meaning: mailboxPolicy},
	{in: mailboxRefused, phrases: fullAccount, meaning: overQuota},
	{in: mailboxRefused, phrases: trouble, meaning: brokenStore},
	{in: mailboxRefused, phrases: partsBehind, meaning: brokenStore},
	{in: mailboxRefused, phrases: noSuchFile, only: isNotInbox, meaning: mailboxGone},
	{in: mailboxRefused, phrases: noSuchFile, meaning: brokenStore},
	{in: mailboxRefused, phrases: missingMailbox, meaning: mailboxGone},
	{in: mailboxRefused, phrases: unfitMailbox, meaning: mailboxNone},
	{in: mailboxRefused, phrases: storeTrouble, meaning: brokenStore},
	{in: mailboxRefused, phrases: forbiddenMailbox, meaning: mailboxPolicy},
	{in: mailboxRefused, phrases: checkers, meaning: brokenStore},
	{in: mailboxRefused, phrases: notNow, meaning: brokenStore},
}
