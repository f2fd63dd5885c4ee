package hclfile

import (
	"crypto/tls"
	"slices"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// termsTable is what imap_check and defaults share.
var termsTable = table[terms]{
	newRow("description", freeText, "", "Free text, shown in messages",
		func(t *terms, v value) { t.Description = v.text }),
	newRow("runbook", webURL, "", "Where to read what to do about an incident; shown in messages",
		func(t *terms, v value) { t.Runbook = v.text }),
	newRow("port", integer(1, 65535), strconv.Itoa(config.DefaultPort), "The TCP port",
		func(t *terms, v value) { t.Probe.Port = uint16(v.number) }),
	newRow("security", oneOf("tls", "starttls", "none"), `port 993: "tls", port 143: "starttls"`, "How the connection is encrypted: TLS from the first byte, STARTTLS, or not at all. On other ports it must be written",
		func(t *terms, v value) { t.Probe.Security = config.Security(v.text) }),
	newRow("interval", durationBetween(time.Second, day), spanText(config.DefaultInterval), "The time from the start of one probe to the start of the next",
		func(t *terms, v value) { t.Probe.Interval = v.span() }),
	newRow("timeout", durationBetween(100*time.Millisecond, day), "the smaller of "+spanText(config.DefaultTimeout)+" and interval", "How long the whole conversation with one address may take, from DNS to LOGOUT. At most interval. Within it, dns and connect get 10 seconds each at most",
		func(t *terms, v value) { t.Probe.Timeout = v.span() }),
	newRow("fault_tolerance", spanOrZero(0, unbounded), spanText(config.DefaultFaultTolerance), `How long a failure must last before people are notified; "0s": as soon as it is confirmed`,
		func(t *terms, v value) { t.Policy.FaultTolerance = v.span() }),
	newRow("recovery_tolerance", spanOrZero(0, unbounded), spanText(config.DefaultRecoveryTolerance), "How long the service must work again before the incident is closed",
		func(t *terms, v value) { t.Policy.RecoveryTolerance = v.span() }),
	newRow("reopen_within", spanOrZero(0, unbounded), spanText(config.DefaultReopenWithin), `Failing again this soon after closing reopens the same incident and doubles its recovery tolerance, up to "30m"; "0s": always a new incident`,
		func(t *terms, v value) { t.Policy.ReopenWithin = v.span() }),
	newRow("retry_interval", durationBetween(time.Second, day), "the smaller of interval and "+spanText(config.DefaultRetryInterval), "The pause between probes, from the end of one to the start of the next, while a failure or a recovery is being confirmed",
		func(t *terms, v value) { t.Probe.RetryInterval = v.span() }),
	newRow("notification_roles", referencesTo("notification_role"), "those of daemon, with a warning if there are several roles", "Who is notified. []: nobody, on purpose",
		func(t *terms, v value) { t.Roles = idsOf[config.RoleID](v.refs) }),
	newRow("also_notify", referencesTo("notification_role"), "", "Who else is notified. It adds to what is written above in the tree, instead of replacing it",
		func(t *terms, v value) { t.also = addRoles(t.also, idsOf[config.RoleID](v.refs)) }),
	newRow("remind", spanOrZero(10*time.Minute, unbounded), spanText(config.DefaultRemind), `Repeats the message this often while the incident is open and not acknowledged, and at most every "24h" while it is only degraded; "0s": never`,
		func(t *terms, v value) { t.Policy.Remind = v.span() }),
	newRow("proxy_protocol", oneOf("v1", "v2"), "no header", "The version of the PROXY protocol whose header is sent first, before TLS, with the true addresses; for a port that expects it, as behind HAProxy",
		func(t *terms, v value) { t.Probe.ProxyProtocol = config.ProxyProtocol(v.text) }),
	newRow("slo", percentage, "", "The promised availability in percent, like 99.9: reports say whether it was kept, and the page how much may still fail",
		func(t *terms, v value) { t.Policy.SLO = v.number }),
	newRow("addresses", oneOf("all", "any", "ipv4", "ipv6"), `"all"`, `Which addresses of the name are probed: "all" A and AAAA addresses, "any": the first that works, "ipv4" or "ipv6": that family only`,
		func(t *terms, v value) { t.Probe.Addresses = config.AddressPolicy(v.text) }),
	newRow("enabled", boolean, "true", "false: paused; the check is shown and not probed",
		func(t *terms, v value) { t.Enabled = v.flag }),
	newRow("expect_greeting", text, "", "A string that the greeting must contain",
		func(t *terms, v value) { t.Probe.ExpectGreeting = v.text }),
	newRow("require_capabilities", texts(capability), "", "Capabilities that the server must announce once the connection is encrypted",
		func(t *terms, v value) { t.Probe.RequireCapabilities = upperSorted(v.list) }),
	newRow("depends_on", referencesTo("server", "imap_check"), "", "While one of these is down, incidents are recorded and not sent",
		func(t *terms, v value) { t.DependsOn = configRefs(v.refs) }),
	newRow("nodes", nodeCount, strconv.Itoa(config.DefaultNodes)+", or all if there are fewer", "How many nodes of the cluster probe the check, in different locations as long as there are any. At most as many as there are in locations",
		func(t *terms, v value) { t.Quorum.Nodes = int(v.number) }),
	newRow("agree", nodeCount, "the majority of nodes", "How many of these nodes have to see it fail until it counts as failing. At most nodes",
		func(t *terms, v value) { t.Quorum.Agree = int(v.number) }),
	newRow("locations", locations, "all", "The locations of the nodes that may probe the check",
		func(t *terms, v value) { t.Quorum.Locations = slices.Sorted(slices.Values(v.list)) }),
}

// thresholdsTable has an attribute for each phase that may have a threshold.
var thresholdsTable = func() (t table[terms]) {
	for p := range config.LimitedPhases() {
		t = append(t, newRow(p.TimeKey(), threshold, "", p.Doc(),
			func(t *terms, v value) { t.Probe.Thresholds[p] = v.span() }))
	}
	return t
}()

var tlsTable = table[terms]{
	newRow("server_name", domainName, "hostname", "The name that the certificate must be for, and that is sent as SNI",
		func(t *terms, v value) { t.Probe.TLS.ServerName = v.text }),
	newRow("ca_file", authorityFile, "the system's roots", "The authorities to trust instead of the system's, in PEM",
		func(t *terms, v value) { t.Probe.TLS.CA = config.NewBlob(v.text) }),
	newRow("pin_sha256", oneOrMore(pin), "", "SHA-256 of a public key (SPKI) or of several, in base64, one of which the server's certificate must have. It takes the place of the issuer, for a certificate that is self-signed or private; name and dates are verified all the same. Beside ca_file both must hold",
		func(t *terms, v value) { t.Probe.TLS.PinSHA256 = joinSorted(v.list) }),
	newRow("min_version", oneOf("1.2", "1.3"), `"1.2"`, "The oldest version of TLS that is accepted",
		func(t *terms, v value) { t.Probe.TLS.MinVersion = tlsVersions[v.text] }),
	newRow("expiry_warning", durationBetween(time.Hour, unbounded), "the smaller of "+spanText(config.DefaultExpiryWarning)+" and a third of the lifetime", "How long before a certificate expires an incident is opened. Of the server's certificate, its intermediates and the authority, the one that expires first counts",
		func(t *terms, v value) { t.Probe.TLS.ExpiryWarning = v.span() }),
	newRow("expiry_critical", durationBetween(time.Hour, unbounded), "the smaller of "+spanText(config.DefaultExpiryCritical)+" and a tenth of the lifetime", "How long before it expires that incident becomes critical, and people are notified again",
		func(t *terms, v value) { t.Probe.TLS.ExpiryCritical = v.span() }),
	newRow("cert_file", certificateFile, "", "A client certificate, in PEM",
		func(t *terms, v value) { t.Probe.TLS.Cert = config.NewBlob(v.text) }),
	newRow("key_file", keyFile, "", "The key of the client certificate, in PEM; readable by the daemon and not by others",
		func(t *terms, v value) { t.Probe.TLS.Key = v.secret }),
}

var loginTable = table[terms]{
	newRow("username", text, "", "The account",
		func(t *terms, v value) { t.Probe.Login.Username = v.text }),
	newRow("password", secret, "", "Its password",
		func(t *terms, v value) { t.Probe.Login.Password = v.secret }, mayHoldSecret),
	newRow("mechanism", oneOf("PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"), "the best that both offer", "How to log in. By default, where the server refuses SCRAM-SHA-256, PLAIN or LOGIN is tried once as well, and used from then on",
		func(t *terms, v value) { t.Probe.Login.Mechanism = v.text }),
	newRow("mailbox", text, "", "A mailbox to EXAMINE after logging in",
		func(t *terms, v value) { t.Probe.Login.Mailbox = v.text }),
	newRow("every", durationBetween(time.Second, 30*day), "each probe", "How often to log in; other probes stop before the login",
		func(t *terms, v value) { t.Probe.Login.Every = v.span() }),
	newRow("token", secret, "", "An OAuth access token",
		func(t *terms, v value) { t.Probe.Login.Token = v.secret }, mayHoldSecret),
	newRow("token_url", secureURL, "", "Where to get access tokens (RFC 6749 section 3.2)",
		func(t *terms, v value) { t.Probe.Login.TokenURL = v.text }),
	newRow("client_id", text, "", "The OAuth client",
		func(t *terms, v value) { t.Probe.Login.ClientID = v.text }),
	newRow("client_secret", secret, "", "Its secret",
		func(t *terms, v value) { t.Probe.Login.ClientSecret = v.secret }, mayHoldSecret),
	newRow("scopes", texts(text), "", "OAuth scopes",
		func(t *terms, v value) { t.Probe.Login.Scopes = joinSorted(v.list) }),
}

var (
	threshold = durationBetween(time.Millisecond, day)
	// "1.2" is what is accepted anyway, so writing it changes nothing.
	tlsVersions = map[string]uint16{"1.2": 0, "1.3": tls.VersionTLS13}
)

// spanText returns a duration as a file has it: "1m", in quotes.
func spanText(d time.Duration) string { return strconv.Quote(config.FormatDuration(d)) }
