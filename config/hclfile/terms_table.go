package hclfile

import (
	"crypto/tls"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// termsTable is what imap_check and defaults share.
var termsTable = table[terms]{
	{
		attribute{name: "description", kind: freeText, doc: "Free text, shown in messages"},
		func(t *terms, v value) { t.description = v.text },
	},
	{
		attribute{name: "runbook", kind: webURL, doc: "Where to read what to do about an incident; shown in messages"},
		func(t *terms, v value) { t.runbook = v.text },
	},
	{
		attribute{name: "port", kind: integer(1, 65535), fallback: strconv.Itoa(config.DefaultPort), doc: "The TCP port"},
		func(t *terms, v value) { t.probe.Port = uint16(v.number) },
	},
	{
		attribute{name: "security", kind: oneOf("tls", "starttls", "none"), fallback: `port 993: "tls", port 143: "starttls"`, doc: "How the connection becomes encrypted: TLS from the first byte, by STARTTLS, or not at all. On any other port it must be written"},
		func(t *terms, v value) { t.probe.Security = config.Security(v.text) },
	},
	{
		attribute{name: "interval", kind: span(time.Second, day), fallback: spanText(config.DefaultInterval), doc: "The time from the start of one probe to the start of the next"},
		func(t *terms, v value) { t.probe.Interval = v.span() },
	},
	{
		attribute{name: "timeout", kind: span(100*time.Millisecond, day), fallback: "the smaller of " + spanText(config.DefaultTimeout) + " and interval", doc: "How long the whole conversation with one address may take, from DNS to LOGOUT. At most interval. Within it, dns and connect get 10 seconds each at most"},
		func(t *terms, v value) { t.probe.Timeout = v.span() },
	},
	{
		attribute{name: "fault_tolerance", kind: spanOrZero(0, unbounded), fallback: spanText(config.DefaultFaultTolerance), doc: `How long a failure must exist before it is an incident that is reported; "0s": as soon as it is confirmed`},
		func(t *terms, v value) { t.policy.FaultTolerance = v.span() },
	},
	{
		attribute{name: "recovery_tolerance", kind: spanOrZero(0, unbounded), fallback: spanText(config.DefaultRecoveryTolerance), doc: "How long it must be well again before the incident is closed"},
		func(t *terms, v value) { t.policy.RecoveryTolerance = v.span() },
	},
	{
		attribute{name: "reopen_within", kind: spanOrZero(0, unbounded), fallback: spanText(config.DefaultReopenWithin), doc: `Failing again this soon after closing reopens the same incident and doubles its recovery tolerance, up to "30m"; "0s": always a new incident`},
		func(t *terms, v value) { t.policy.ReopenWithin = v.span() },
	},
	{
		attribute{name: "retry_interval", kind: span(time.Second, day), fallback: "the smaller of interval and " + spanText(config.DefaultRetryInterval), doc: "The pause between probes, from the end of one to the start of the next, while a failure or a recovery is being confirmed"},
		func(t *terms, v value) { t.probe.RetryInterval = v.span() },
	},
	{
		attribute{name: "notification_roles", kind: referencesTo("notification_role"), fallback: "the daemon's own, with a warning", doc: "Who is told. [] on purpose: nobody"},
		func(t *terms, v value) { t.roles = roleIDs(v.refs) },
	},
	{
		attribute{name: "also_notify", kind: referencesTo("notification_role"), doc: "Who is told besides. Adds up along the tree instead of replacing what is above"},
		func(t *terms, v value) { t.also = addRoles(t.also, roleIDs(v.refs)) },
	},
	{
		attribute{name: "remind", kind: spanOrZero(10*time.Minute, unbounded), fallback: spanText(config.DefaultRemind), doc: `Repeats the message this often while the incident is open and not acknowledged; "0s": never`},
		func(t *terms, v value) { t.policy.Remind = v.span() },
	},
	{
		attribute{name: "proxy_protocol", kind: oneOf("v1", "v2"), fallback: "no header", doc: "For a port that only a proxy connects to otherwise: the version of the PROXY protocol whose header is sent before anything else, TLS included, with the true addresses of the connection"},
		func(t *terms, v value) { t.probe.ProxyProtocol = config.ProxyProtocol(v.text) },
	},
	{
		attribute{name: "slo", kind: percentage, notYet: true, doc: "The promised availability in percent, used by reports: 99.9"},
		func(t *terms, v value) { t.policy.SLO = v.number },
	},
	{
		attribute{name: "addresses", kind: oneOf("all", "any", "ipv4", "ipv6"), fallback: `"all"`, doc: `Which addresses of the name are probed: "all" A and AAAA addresses, "any": the first that works, "ipv4" or "ipv6": that family only`},
		func(t *terms, v value) { t.probe.Addresses = config.AddressPolicy(v.text) },
	},
	{
		attribute{name: "enabled", kind: boolean, fallback: "true", doc: "false: paused, which is shown and not probed"},
		func(t *terms, v value) { t.enabled = v.flag },
	},
	{
		attribute{name: "expect_greeting", kind: text, doc: "A part of the greeting that must be there"},
		func(t *terms, v value) { t.probe.ExpectGreeting = v.text },
	},
	{
		attribute{name: "require_capabilities", kind: texts(capability), doc: "Capabilities that the server must announce once the connection is encrypted"},
		func(t *terms, v value) { t.probe.RequireCapabilities = upperSorted(v.list) },
	},
	{
		attribute{name: "depends_on", kind: referencesTo("server", "imap_check"), doc: "While one of these is down, incidents are recorded and not sent"},
		func(t *terms, v value) { t.dependsOn = configRefs(v.refs) },
	},
}

// thresholdsTable has an attribute for each phase that may have a threshold.
var thresholdsTable = func() (t table[terms]) {
	for p := range config.LimitedPhases() {
		t = append(t, row[terms]{
			attribute{name: p.TimeKey(), kind: threshold, doc: p.Doc()},
			func(t *terms, v value) { t.probe.Thresholds[p] = v.span() },
		})
	}
	return t
}()

var tlsTable = table[terms]{
	{
		attribute{name: "server_name", kind: domainName, fallback: "hostname", doc: "The name that the certificate must be for, and that is sent as SNI"},
		func(t *terms, v value) { t.probe.TLS.ServerName = v.text },
	},
	{
		attribute{name: "ca_file", kind: authorityFile, fallback: "the system's roots", doc: "The authorities to trust instead, in PEM"},
		func(t *terms, v value) { t.probe.TLS.CA = config.NewBlob(v.text) },
	},
	{
		attribute{name: "pin_sha256", kind: oneOrMore(pin), doc: "SHA-256 of a public key (SPKI) or of several, in base64, one of which the server's certificate must have. It takes the place of the issuer, for a certificate that is self-signed or private; name and dates are verified all the same. Beside ca_file both must hold"},
		func(t *terms, v value) { t.probe.TLS.PinSHA256 = joinSorted(v.list) },
	},
	{
		attribute{name: "min_version", kind: oneOf("1.2", "1.3"), fallback: `"1.2"`, doc: "The oldest version of TLS that is accepted"},
		func(t *terms, v value) { t.probe.TLS.MinVersion = tlsVersions[v.text] },
	},
	{
		attribute{name: "expiry_warning", kind: span(time.Hour, unbounded), fallback: "the smaller of " + spanText(config.DefaultExpiryWarning) + " and a third of the lifetime", doc: "How long before its end a certificate is a warning. Of the server's certificate, its intermediates and the authority, the one that ends first counts"},
		func(t *terms, v value) { t.probe.TLS.ExpiryWarning = v.span() },
	},
	{
		attribute{name: "expiry_critical", kind: span(time.Hour, unbounded), fallback: "the smaller of " + spanText(config.DefaultExpiryCritical) + " and a tenth of the lifetime", doc: "How long before its end that certificate is critical, which is told again"},
		func(t *terms, v value) { t.probe.TLS.ExpiryCritical = v.span() },
	},
	{
		attribute{name: "cert_file", kind: certificateFile, doc: "A client certificate, in PEM"},
		func(t *terms, v value) { t.probe.TLS.Cert = config.NewBlob(v.text) },
	},
	{
		attribute{name: "key_file", kind: keyFile, doc: "The key of the client certificate, in PEM; readable by the daemon and not by others"},
		func(t *terms, v value) { t.probe.TLS.Key = v.secret },
	},
}

var loginTable = table[terms]{
	{attribute{name: "username", kind: text, doc: "The account"}, func(t *terms, v value) { t.probe.Login.Username = v.text }},
	{attribute{name: "password", kind: secret, secret: true, doc: "Its password"}, func(t *terms, v value) { t.probe.Login.Password = v.secret }},
	{
		attribute{name: "mechanism", kind: oneOf("PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"), fallback: "the best that both offer", doc: "How to log in. Not written: where the server refuses SCRAM-SHA-256, PLAIN or LOGIN is tried once as well, and used from then on"},
		func(t *terms, v value) { t.probe.Login.Mechanism = v.text },
	},
	{attribute{name: "mailbox", kind: text, doc: "A mailbox to EXAMINE after logging in"}, func(t *terms, v value) { t.probe.Login.Mailbox = v.text }},
	{
		attribute{name: "every", kind: span(time.Second, 30*day), fallback: "each probe", doc: "How often to log in; other probes end before"},
		func(t *terms, v value) { t.probe.Login.Every = v.span() },
	},
	{attribute{name: "token", kind: secret, secret: true, doc: "An OAuth access token"}, func(t *terms, v value) { t.probe.Login.Token = v.secret }},
	{attribute{name: "token_url", kind: secureURL, doc: "Where to get access tokens (RFC 6749 section 3.2)"}, func(t *terms, v value) { t.probe.Login.TokenURL = v.text }},
	{attribute{name: "client_id", kind: text, doc: "The OAuth client"}, func(t *terms, v value) { t.probe.Login.ClientID = v.text }},
	{attribute{name: "client_secret", kind: secret, secret: true, doc: "Its secret"}, func(t *terms, v value) { t.probe.Login.ClientSecret = v.secret }},
	{attribute{name: "scopes", kind: texts(text), doc: "OAuth scopes"}, func(t *terms, v value) { t.probe.Login.Scopes = joinSorted(v.list) }},
}

var (
	threshold = span(time.Millisecond, day)
	// "1.2" is what is accepted anyway, so writing it changes nothing.
	tlsVersions = map[string]uint16{"1.2": 0, "1.3": tls.VersionTLS13}
)

// spanText returns a duration as a file has it: "1m", in quotes.
func spanText(d time.Duration) string { return strconv.Quote(config.FormatDuration(d)) }
