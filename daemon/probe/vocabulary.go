package probe

// What servers say, by what it means. The texts are those of servers in use; the
// test TestWhatServersSay holds them with their sources. A phrase belongs here
// only if it says the same in whatever sentence it stands.
var (
	// connectionCounts are limits on how many connections or sessions there may be.
	connectionCounts = phrasesOf(
		"maximum number", "maximum connection*", "max connections", "max_userip_connections", "maxperip", "maxdaemons",
		"too many connections", "too many open connections", "too many open sessions", "too many simultaneous*", "too many concurrent*",
		"too many sessions", "too many imap sessions", "too many imap connections", "too many clients", "too many active*",
		"connection limit*", "connections limit", "connection count", "connection quota", "session limit", "sessions limit", "limit of connections",
		"number of connections", "number of sessions", "number of concurrent*", "number of simultaneous*",
		"connections exceeded", "sessions exceeded", "concurrent connections", "simultaneous connections", "exceeded the maximum",
		"no more connections", "queue full", "queue is full", "queue overflow",
	)
	// failedLogins are held against this user or this machine.
	failedLogins = phrasesOf(
		"too many login failures", "too many login attempts", "too many login errors", "too many logon attempts", "too many logon failures",
		"too many failed*", "too many failures", "too many bad", "too many invalid login*", "too many invalid logon*", "too many invalid auth*",
		"too many invalid password*", "too many invalid attempts", "too many auth*", "too many incorrect*", "too many unsuccessful*", "too many wrong*",
		"too many password*", "too many attempts", "too many sign in attempts", "too many errors", "number of login attempts", "number of retries",
		"login failures", "logon failures", "failed attempts", "failed logins", "failed login attempts", "failed logon attempts", "failed authentication attempts",
		"repeated failures", "invalid login attempts", "blocked", "banned", "blacklisted", "blocklisted", "locked out", "lockout",
		"brute force", "temporarily locked", "jailed",
	)
	// forbiddenLogin are rules about the account, its rights, its licence or the
	// client.
	forbiddenLogin = phrasesOf(
		"basic authentication", "basicauthblocked", "basic auth", "legacy auth*", "less secure", "modern authentication",
		"app password*", "application password*", "app specific password*", "application specific password*", "authorization code", "auth code",
		"authorisation code", "client password", "external password", "third party client*",
		"web browser", "web login", "webmail first", "imap access is disabled", "imap access disabled", "imap is disabled", "imap disabled",
		"imap access has been disabled", "imap has been disabled", "imap access denied", "imap access not allowed", "imap access not enabled", "imap access is not allowed", "imap access is not enabled", "imap access is not permitted", "imap not enabled", "imap not allowed", "imap not permitted", "imap not activated",
		"imap is not enabled", "imap is not allowed", "imap is not permitted", "imap is not activated", "imap is switched off", "imap access is switched off", "no imap access", "not enabled for imap", "enable imap*",
		"enable the imap*", "activate imap*", "imap service is disabled", "imap service is not open", "imap service disabled", "imap4 is disabled",
		"imap protocol is disabled", "protocol disabled", "protocol is disabled", "protocol is not enabled", "protocol is not allowed", "service is not open", "service not open",
		"service is not enabled", "service not enabled", "not allowed to use", "not permitted to use", "not authorized to use", "not allowed to login",
		"not allowed to log in", "not permitted to log in", "not permitted to login", "disabled for this", "disabled for your", "disabled for user", "not enabled for*",
		"security policy", "by policy", "conditional access", "multi factor*", "multifactor", "two factor*", "two step", "second factor", "2fa", "mfa",
		"unsafe login", "authenticated but not connected", "license*", "licence*", "not licensed", "subscription", "unpaid", "terms of service", "terms of use",
		"account is disabled", "account disabled", "account has been disabled", "account is temporarily disabled", "account has been temporarily disabled",
		"is inactive", "temporarily suspended", "account is suspended", "account suspended", "account has been suspended", "account is locked", "account was locked", "account locked", "account has been locked",
		"account is inactive", "account inactive", "account is not active", "account not active", "account is closed", "account has been closed",
		"account is deactivated", "account deactivated", "account is abnormal", "account is frozen", "account is in maintenance mode",
		"user is disabled", "user disabled", "user is suspended", "user suspended", "user temporarily disabled", "user is temporarily disabled", "account temporarily disabled", "disabled your account", "suspended your account", "locked your account", "user account is*", "mailbox is disabled", "mailbox disabled", "mailbox suspended",
		"not available for this account", "not available for this user", "not available for your*", "not available via imap", "not available over imap", "not available in your*",
		"use oauth*", "requires oauth*", "oauth required", "oauth is required", "oauth2 required", "oauth2 is required",
		"send id", "id command", "client id", "not included in your*", "not part of your*", "premium", "not allowed from*", "not permitted from*", "from your country", "not verified",
		"mechanism too weak*", "verify your account", "verify your identity",
	)
	expiredAccount = phrasesOf(
		"password expired", "password has expired", "password is expired", "passphrase expired", "expired password", "change your password",
		"account expired", "account has expired", "account is expired", "must be changed", "token is no longer valid",
	)
	fullAccount   = phrasesOf("over quota", "overquota", "quota exceeded", "exceeded quota", "exceeded its quota", "exceeded your quota", "mailbox is full", "mailbox full")
	insecureLogin = phrasesOf(
		"plaintext auth*", "plaintext login*", "plaintext password*", "cleartext auth*", "cleartext login*", "cleartext password*",
		"clear text", "encryption needed", "encryption required", "encryption is required", "ssl required", "tls required", "requires ssl", "requires tls",
		"insecure login*", "insecure connection*", "starttls first", "starttls required", "non secure",
	)
	// tooMuch are limits on how fast or how much.
	tooMuch = phrasesOf("throttl*", "bandwidth", "rate", "rate limit*", "ratelimit*", "too many", "too fast", "too often", "too frequent*", "slow down", "limit reached", "backoff")

	// tooManyFiles are errors of an operating system, which limit no client.
	tooManyFiles = phrasesOf("too many open files", "too many links", "too many levels*", "too many references")

	// tooMuchAtOnce is the same in a BYE, where "too many" may be about bad commands.
	tooMuchAtOnce = phrasesOf("throttl*", "bandwidth", "rate limit*", "ratelimit*", "too many requests", "too many users", "too many logins", "too many processes", "too many threads", "too many children", "slow down", "limit reached", "limit exceeded")

	// trouble says that something could not be done at all, so that nothing is said
	// of the account.
	trouble = phrasesOf(
		"temporar*", "transient", "internal error", "internal server error", "internal failure", "internal login failure", "internal exception",
		"server error", "system error", "system failure", "service failure", "unexpected error", "generic failure", "generic error",
		"unavailable", "unavail", "not available", "out of service", "timed out", "timeout", "timeouts", "time out",
		"could not connect", "couldnt connect", "cannot connect", "cant connect", "unable to connect", "failed to connect", "not connect to", "connect to server",
		"connect failed", "connection failed", "connection failure", "connection refused", "connection reset", "connection timed*", "connection closed", "connection lost", "lost connection",
		"could not contact", "couldnt contact", "cannot contact", "cant contact", "unable to contact", "failed to contact", "could not reach", "cannot reach", "cant reach", "unable to reach",
		"not responding", "no response", "does not respond", "unreachable", "not reachable", "not running", "i/o error", "input/output error", "lookup failed", "lookup failure",
		"proxy error", "failover", "temp failure", "temp error", "transaction failed", "name or service not known",
		"unable to check*", "could not check*", "couldnt check*", "cannot check*", "cant check*", "failed to check*",
		"out of memory", "no memory", "cannot allocate memory", "out of resources", "no space left", "load too high", "load is too high", "too many open files", "no servers", "no server available", "no route to host", "broken pipe",
		"maintenance", "shutting down", "is down", "is offline", "overload*", "server busy", "server is busy", "server too busy", "system busy", "system is busy",
		"communicationexception", "nullpointerexception", "sqlexception", "resource limit", "deadlock*",
	)
	// checkerTrouble are the words with which a session ends whose login could not be
	// checked.
	checkerTrouble = phrasesOf(
		"auth process", "auth server", "auth service", "auth daemon", "auth worker", "auth request*", "authentication process", "authentication server", "authentication service",
		"authentication daemon", "authentication backend", "generic failure",
	)
	// partsBehind name what is behind a server, in whatever words: what says that the
	// password is wrong outweighs them.
	partsBehind = phrasesOf(
		"auth process", "auth server", "auth service", "auth daemon", "auth worker", "auth module", "authentication process", "authentication server",
		"authentication service", "authentication daemon", "authentication backend", "authentication system", "authentication module", "authentication worker",
		"backend", "backends", "back end", "upstream", "getpwnam", "getpwuid", "setuid", "setgid",
	)
	// checkers name what checks passwords behind a server.
	checkers = phrasesOf(
		"saslauthd", "authdaemon", "authdaemond", "ldap*", "sql", "mysql*", "pgsql", "postgres*", "mariadb", "sqlite*", "mssql", "odbc", "database*", "db",
		"pam", "radius", "kerberos", "krb5", "active directory", "directory server", "directory service", "domain controller", "winbind", "nis", "redis", "passdb", "userdb",
	)
	// wrongCredentials say so in as many words.
	wrongCredentials = phrasesOf(
		"invalid credential*", "invalid login*", "invalid logon*", "invalid user*", "invalid password", "invalid email*", "invalid account", "invalid address",
		"invalid authentication", "incorrect password", "incorrect login", "incorrect user*", "incorrect credential*", "incorrect email*",
		"password incorrect", "password is incorrect", "password is wrong", "password is invalid", "password invalid", "password error", "password failed", "password not accepted",
		"wrong password", "wrong user*", "wrong login", "wrong credential*", "wrong username", "bad password", "bad login", "login incorrect", "logon incorrect", "rejected the password", "rejected the login", "rejected the user*", "rejected the credential*", "password rejected", "credentials rejected",
		"pam authenticate failed authentication failure", "pam authenticate authentication failure", // pam_strerror of PAM_AUTH_ERR
		"bad user*", "bad credential*",
		"unknown user*", "user unknown", "user is unknown", "unknown account", "unknown login", "no such user", "no such account", "user not found", "account not found",
		"user does not exist", "user doesnt exist", "account does not exist", "account doesnt exist", "password mismatch", "passwords do not match",
		"username or password", "user name or password", "user or password", "login or password", "login and password", "username and password", "user name and password",
		"user name or passwd", "email or password", "login/password", "user/password", "username/password",
		"error code 49", "data 52e", "invalidcredentials", "not authenticate you",
	)
	// passedOn is perdition's answer to whatever NO the server behind it gives to the
	// login, be it a wrong password or trouble.
	passedOn = phrasesOf("re authentication failure")
	// aboutCredentials only speak of them. "authentication failure" is Cyrus SASL for
	// a wrong password (SASL_BADAUTH), "generic failure" for a check that could not be
	// made (SASL_FAIL).
	aboutCredentials = phrasesOf("authentication failure", "auth failure", "authorization failure", "rejected", "credential*", "password*", "passwd", "user exists but*")
	notNow           = phrasesOf("try again*", "try later", "retry later", "again later", "please retry", "later", "busy", "not ready", "service error", "fatal error")

	// storeTrouble is about what mail is kept in.
	storeTrouble = phrasesOf(
		"disk", "disks", "storage", "no space", "read only file system", "stale file handle", "stale nfs*", "nfs", "file system", "filesystem", "input/output error", "i/o",
		"mail store", "message store", "mailstore", "store error", "corrupt*", "has an invalid format", "inconsistent", "damaged", "index file*", "cannot lock", "chdir", "maildir", "home directory", "home dir", "too many open files",
	)
	// lostFiles are errors of files whose reason may be a missing or forbidden mailbox
	// as well.
	lostFiles  = phrasesOf("no such file*", "permission denied", "not a directory", "operation not permitted")
	noSuchFile = phrasesOf("no such file*")

	missingMailbox = phrasesOf(
		"doesnt exist", "does not exist", "dont exist", "not exist", "no such mailbox", "no such folder", "unknown mailbox", "unknown folder", "not found",
		"could not be found", "couldnt be found", "cannot be found", "cant be found", "cannot find", "cant find", "could not find", "couldnt find", "unable to find",
		"nonexistent", "non existent", "non existing", "inexistent", "no mailbox", "mailbox missing", "no matching mailbox", "has been deleted",
	)
	unfitMailbox = phrasesOf(
		"isnt selectable", "not selectable", "is not selectable", "unselectable", "noselect", "cannot be selected", "cant be selected", "cannot select", "cant select",
		"invalid mailbox*", "invalid folder*", "invalid name", "invalid namespace", "invalid path", "invalid character*", "illegal mailbox*", "illegal name", "illegal folder*",
		"bad mailbox*", "bad folder*", "bad name", "mailbox name", "folder name", "hierarchy separator*", "unknown namespace", "unknown hierarchy",
		"is a directory", "not a mailbox", "not a folder", "not a mail folder", "non mail folder", "not a valid mailbox", "not a valid folder", "unsupported mailbox*",
	)
	forbiddenMailbox = phrasesOf(
		"permission*", "denied", "not allowed", "not permitted", "not authorized", "not authorised", "unauthorized", "insufficient", "privilege*", "rights", "acl",
		"forbidden", "no access", "not accessible", "disabled", "access right*", "prohibited", "not owner", "authorization fail*", "authorisation fail*",
	)
	mailboxLocked = phrasesOf("in use", "is locked", "mailbox busy", "mailbox is busy", "folder is busy", "unable to lock", "could not lock", "couldnt lock", "failed to lock", "mailbox locked", "folder locked", "being used", "locked by", "already open*", "waiting for lock", "obtain lock", "get lock", "acquire lock")
)
