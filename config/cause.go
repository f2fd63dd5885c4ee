package config

import (
	"iter"
	"slices"
)

// A Cause is the named reason of a finding: the same word in results, metrics,
// messages, the journal and tests.
type Cause string

// The causes.
const (
	CauseNoSuchName Cause = "no_such_name"
	CauseNoAddress  Cause = "no_address"
	CauseDNSFailure Cause = "dns_failure"
	CauseTimeout    Cause = "timeout"
	// CauseRecordUnanswered: DNS gave addresses of one family and did not answer for
	// the other. It is a note, never a failure.
	CauseRecordUnanswered Cause = "record_unanswered"

	CauseAddressPartial Cause = "address_partial"
	CauseWithdrawn      Cause = "withdrawn" // a failing address has been gone from DNS for long enough
	CauseRefused        Cause = "refused"
	CauseUnreachable    Cause = "unreachable"
	CauseReset          Cause = "reset"
	CauseClosed         Cause = "closed"

	CauseTLSOnPlainPort   Cause = "tls_on_plain_port"
	CauseLineTooLong      Cause = "line_too_long"
	CauseTooMuchData      Cause = "too_much_data"
	CauseBye              Cause = "bye"
	CauseConnectionLimit  Cause = "connection_limit"
	CausePreauth          Cause = "preauth"
	CauseNotIMAP          Cause = "not_imap"
	CauseGreetingMismatch Cause = "greeting_mismatch"
	CauseProtocolError    Cause = "protocol_error"

	CauseNotAdvertised      Cause = "not_advertised"
	CauseStartTLSRefused    Cause = "starttls_refused"
	CausePlaintextAfterOK   Cause = "plaintext_after_ok"
	CauseCapabilityMissing  Cause = "capability_missing"
	CauseNotTLS             Cause = "not_tls"
	CauseCertExpired        Cause = "cert_expired"
	CauseCertNotYetValid    Cause = "cert_not_yet_valid"
	CauseCertUntrusted      Cause = "cert_untrusted"
	CauseChainIncomplete    Cause = "chain_incomplete"
	CauseNameMismatch       Cause = "name_mismatch"
	CausePinMismatch        Cause = "pin_mismatch"
	CauseWeakSignature      Cause = "weak_signature"
	CauseWeakKey            Cause = "weak_key"
	CauseProtocolTooOld     Cause = "protocol_too_old"
	CauseTLSFailure         Cause = "tls_failure"        // a handshake error with no word of its own
	CauseHandshakeFailed    Cause = "handshake_failed"   // no cipher suite, group or kind of key in common
	CauseLargeClientHello   Cause = "large_client_hello" // only a small ClientHello is answered
	CauseClientCertRequired Cause = "client_cert_required"
	CauseCertExpiresSoon    Cause = "cert_expires_soon"
	CauseCertChanged        Cause = "cert_changed"
	CauseCertsDiffer        Cause = "certs_differ"

	CauseCredentialsRejected Cause = "credentials_rejected"
	CauseLoginRefused        Cause = "login_refused"
	CauseBackendUnavailable  Cause = "backend_unavailable"
	CauseAccountExpired      Cause = "account_expired"
	CauseContactAdmin        Cause = "contact_admin"
	CausePrivacyRequired     Cause = "privacy_required"
	CauseOverQuota           Cause = "over_quota"
	CauseServerBug           Cause = "server_bug"
	CausePolicy              Cause = "policy"
	CauseTokenRefused        Cause = "token_refused"
	CauseTokenUnavailable    Cause = "token_unavailable"
	CauseLoginNotTried       Cause = "login_not_tried" // due, but another conversation had the account
	// CauseSCRAMRefused: SCRAM is refused where another mechanism is accepted. It is a
	// note, never a failure.
	CauseSCRAMRefused   Cause = "scram_refused"
	CauseMailboxMissing Cause = "mailbox_missing"
	CauseMailboxInUse   Cause = "mailbox_in_use"
	CauseAlert          Cause = "alert"
	CauseSlow           Cause = "slow"

	CauseLocalFault   Cause = "local_fault"
	CauseResolverDown Cause = "resolver_down"
	CauseUndelivered  Cause = "undelivered" // messages are not being delivered
)

// A causeRow says once what there is to say of a cause.
type causeRow struct {
	cause  Cause
	about  Conditions // of the findings that it may be the reason of; none: it stands in notes only
	phases []Phase    // in which it may show
	text   string     // in plain words, for messages and the manual
}

var causeTable = func() []causeRow {
	const note Conditions = 0
	var (
		service     = ConditionSet(ConditionService)
		addresses   = ConditionSet(ConditionAddresses)
		certificate = ConditionSet(ConditionCertificate)
		latency     = ConditionSet(ConditionLatency)
		capability  = ConditionSet(ConditionCapability)
		account     = ConditionSet(ConditionAccount)
		monitor     = ConditionSet(ConditionMonitor)

		dns      = []Phase{PhaseDNS}
		connect  = []Phase{PhaseConnect}
		tls      = []Phase{PhaseTLS}
		greeting = []Phase{PhaseGreeting}
		startTLS = []Phase{PhaseStartTLS}
		login    = []Phase{PhaseLogin}
		mailbox  = []Phase{PhaseSelect}

		anyPhase = slices.Collect(Phases())
		// The server says something in these.
		spoken    = []Phase{PhaseGreeting, PhaseCapability, PhaseStartTLS, PhaseLogin, PhaseSelect}
		loggingIn = []Phase{PhaseLogin, PhaseSelect}
	)
	return []causeRow{
		{CauseNoSuchName, service, dns, "the name does not exist"},
		{CauseNoAddress, service, dns, "the name has no address"},
		{CauseDNSFailure, service, dns, "the name servers could not answer"},
		{CauseTimeout, service, anyPhase, "no answer in time"},
		{CauseRecordUnanswered, note, dns, "the name servers did not answer for one family of addresses"},

		{CauseAddressPartial, addresses, anyPhase, "some of its addresses fail"},
		{CauseWithdrawn, note, nil, "a failing address is gone from DNS"},
		{CauseRefused, service, connect, "connection refused"},
		{CauseUnreachable, service, connect, "no route to the host"},
		{CauseReset, service, anyPhase, "connection reset"},
		{CauseClosed, service, anyPhase, "connection closed by the server"},

		{CauseTLSOnPlainPort, service, greeting, "the port speaks TLS from the start"},
		{CauseLineTooLong, service, spoken, "a line without an end"},
		{CauseTooMuchData, service, spoken, "far too much data"},
		{CauseBye, service, spoken, "the server said BYE"},
		{CauseConnectionLimit, service, spoken, "the server's connection limit is reached"},
		{CausePreauth, service, greeting, "the server takes us for logged in"},
		{CauseNotIMAP, service, greeting, "something else than IMAP answers"},
		{CauseGreetingMismatch, service, greeting, "the greeting is not the expected one"},
		{CauseProtocolError, service, spoken, "the server broke the protocol"},

		{CauseNotAdvertised, service, startTLS, "STARTTLS is not offered"},
		{CauseStartTLSRefused, service, startTLS, "STARTTLS was refused"},
		{CausePlaintextAfterOK, service, startTLS, "unencrypted bytes after STARTTLS, perhaps an attack"},
		{CauseCapabilityMissing, capability | account, []Phase{PhaseCapability, PhaseLogin}, "a required capability is missing"},
		{CauseNotTLS, service, tls, "the port does not speak TLS"},
		{CauseCertExpired, service, tls, "the certificate has expired"},
		{CauseCertNotYetValid, service, tls, "the certificate is not valid yet"},
		{CauseCertUntrusted, service, tls, "the certificate is not from a trusted authority"},
		{CauseChainIncomplete, service, tls, "the server does not send the intermediate certificate"},
		{CauseNameMismatch, service, tls, "the certificate is for another name"},
		{CausePinMismatch, service, tls, "the certificate's key is not the pinned one"},
		{CauseWeakSignature, service, tls, "the certificate's signature is too weak"},
		{CauseWeakKey, service | certificate, tls, "the certificate's key is too weak"},
		{CauseProtocolTooOld, service, tls, "the server speaks only old TLS versions"},
		{CauseTLSFailure, service, tls, "the TLS handshake failed"},
		{CauseHandshakeFailed, service, tls, "the server and this machine have no kind of TLS in common"},
		{CauseLargeClientHello, note, nil, "the server answers only a small ClientHello"},
		{CauseClientCertRequired, service | account, tls, "the server demands a client certificate"},
		{CauseCertExpiresSoon, certificate, tls, "the certificate expires soon"},
		{CauseCertChanged, note, nil, "the certificate has changed"},
		{CauseCertsDiffer, note, nil, "its addresses show different certificates"},

		{CauseCredentialsRejected, account, login, "user name or password rejected"},
		{CauseLoginRefused, account, login, "login refused"},
		{CauseBackendUnavailable, service, spoken, "what the server needs for a login does not answer"},
		{CauseAccountExpired, account, loggingIn, "the account's password has expired"},
		{CauseContactAdmin, account, loggingIn, "the server asks to contact its administrator"},
		{CausePrivacyRequired, account, loggingIn, "the server wants more encryption"},
		{CauseOverQuota, account, loggingIn, "the mailbox is over its quota"},
		{CauseServerBug, service, loggingIn, "the server says that it has a bug"},
		{CausePolicy, account, loggingIn, "the server's policy forbids this login"},
		{CauseTokenRefused, account, login, "the OAuth token was refused"},
		{CauseTokenUnavailable, account, login, "no OAuth token could be had"},
		{CauseLoginNotTried, account, login, "no login was tried; another check used the account"},
		{CauseSCRAMRefused, note, nil, "SCRAM is refused, another mechanism is accepted"},
		{CauseMailboxMissing, account, mailbox, "the mailbox does not exist"},
		{CauseMailboxInUse, service, loggingIn, "the mailbox is locked"},
		{CauseAlert, note, nil, "the server has an alert"},
		{CauseSlow, latency, anyPhase, "slower than its threshold"},

		{CauseLocalFault, monitor, anyPhase, "a fault of the monitoring machine itself"},
		{CauseResolverDown, monitor, dns, "the monitoring machine's resolver does not answer"},
		{CauseUndelivered, monitor, nil, "messages are not being delivered"},
	}
}()

// Causes yields every cause.
func Causes() iter.Seq[Cause] {
	return func(yield func(Cause) bool) {
		for _, row := range causeTable {
			if !yield(row.cause) {
				return
			}
		}
	}
}

// row returns what the table says of the cause, nothing of one that is not known.
func (c Cause) row() causeRow {
	for _, row := range causeTable {
		if row.cause == c {
			return row
		}
	}
	return causeRow{}
}

// Text returns the cause in plain words, "" for one that is not known, as a newer
// version may have written it.
func (c Cause) Text() string { return c.row().text }

// About returns the conditions of the findings that the cause may be the reason of;
// none: it stands in notes only. What is intermittent has the cause that the service
// had.
func (c Cause) About() Conditions { return c.row().about }

// Phases returns in which phases the cause may show.
func (c Cause) Phases() []Phase { return slices.Clone(c.row().phases) }
