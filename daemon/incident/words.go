package incident

import "iter"

// A Phase is a step of the conversation, in the order of the list.
type Phase string

// The phases.
const (
	PhaseDNS        Phase = "dns"
	PhaseConnect    Phase = "connect"
	PhaseTLS        Phase = "tls"
	PhaseGreeting   Phase = "greeting"
	PhaseCapability Phase = "capability"
	PhaseStartTLS   Phase = "starttls"
	PhaseLogin      Phase = "login"
	PhaseSelect     Phase = "select"
	PhaseLogout     Phase = "logout"
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

// A Condition is what an incident is about: it belongs to (check, condition).
type Condition string

// The conditions.
const (
	Service      Condition = "service"
	Addresses    Condition = "addresses"
	Certificate  Condition = "certificate"
	Latency      Condition = "latency"
	Capability   Condition = "capability"
	Account      Condition = "account"
	Intermittent Condition = "intermittent"
	Monitor      Condition = "monitor"
)

// Conditions is a set of conditions.
type Conditions uint16

var conditionBits = []Condition{Service, Addresses, Certificate, Latency, Capability, Account, Intermittent, Monitor}

// ConditionSet makes a set.
func ConditionSet(list ...Condition) (set Conditions) {
	for _, c := range list {
		set |= bit(c)
	}
	return set
}

// Has reports whether c is in the set.
func (s Conditions) Has(c Condition) bool { return s&bit(c) != 0 }

// All yields the members in the order in which they are declared.
func (s Conditions) All() iter.Seq[Condition] {
	return func(yield func(Condition) bool) {
		for _, c := range conditionBits {
			if s.Has(c) && !yield(c) {
				return
			}
		}
	}
}

func bit(c Condition) Conditions {
	for i, known := range conditionBits {
		if c == known {
			return 1 << i
		}
	}
	return 0
}
