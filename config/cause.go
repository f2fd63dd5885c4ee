package config

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

	CausePlaintextLoginDisabled Cause = "plaintext_login_disabled"
	CauseCredentialsRejected    Cause = "credentials_rejected"
	CauseLoginRefused           Cause = "login_refused"
	CauseBackendUnavailable     Cause = "backend_unavailable"
	CauseAccountExpired         Cause = "account_expired"
	CauseContactAdmin           Cause = "contact_admin"
	CausePrivacyRequired        Cause = "privacy_required"
	CauseOverQuota              Cause = "over_quota"
	CauseServerBug              Cause = "server_bug"
	CausePolicy                 Cause = "policy"
	CauseTokenRefused           Cause = "token_refused"
	CauseTokenUnavailable       Cause = "token_unavailable"
	CauseLoginNotTried          Cause = "login_not_tried" // it was due, and another session of the account had its turn
	CauseSCRAMRefused           Cause = "scram_refused"   // SCRAM is refused where another mechanism is accepted; a note, never a failure
	CauseMailboxMissing         Cause = "mailbox_missing"
	CauseMailboxInUse           Cause = "mailbox_in_use"
	CauseAlert                  Cause = "alert"
	CauseSlow                   Cause = "slow"

	CauseLocalFault   Cause = "local_fault"
	CauseResolverDown Cause = "resolver_down"
	CauseUndelivered  Cause = "undelivered" // messages do not arrive
)
