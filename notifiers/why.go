package notifiers

import "strings"

// reason is phase and cause in the fewest words: "connect refused".
func (i Incident) reason() string {
	words := strings.TrimSpace(i.Phase + " " + strings.ReplaceAll(i.Cause, "_", " "))
	if words == "" {
		return i.Condition
	}
	return words
}

// why explains the cause and gives its fixed word, by which metrics, journal
// and manual know it.
func (i Incident) why() string {
	text := i.Cause
	if words, ok := causes[i.Cause]; ok {
		text = words + " (" + i.Cause + ")"
	}
	if i.Phase != "" && text != "" {
		text = i.Phase + ": " + text
	}
	if i.Condition != "" && i.Condition != "service" {
		text = strings.TrimSuffix("condition "+i.Condition+"; "+text, "; ")
	}
	return text
}

// causes are the fixed words in plain ones. A cause without an entry is shown
// as it is.
var causes = map[string]string{
	"no_such_name":      "the name does not exist",
	"no_address":        "the name has no address",
	"dns_failure":       "the name servers could not answer",
	"timeout":           "no answer in time",
	"record_unanswered": "the name servers did not answer for one family of addresses",
	"address_partial":   "some of its addresses fail",
	"refused":           "connection refused",
	"unreachable":       "no route to the host",
	"reset":             "connection reset",
	"closed":            "connection closed by the server",

	"tls_on_plain_port": "the port speaks TLS from the start",
	"line_too_long":     "a line without an end",
	"too_much_data":     "far too much data",
	"bye":               "the server said BYE",
	"connection_limit":  "the server's connection limit is reached",
	"preauth":           "the server takes us for logged in",
	"not_imap":          "something else than IMAP answers",
	"greeting_mismatch": "the greeting is not the expected one",
	"protocol_error":    "the server broke the protocol",

	"not_advertised":       "STARTTLS is not offered",
	"starttls_refused":     "STARTTLS was refused",
	"plaintext_after_ok":   "unencrypted bytes after STARTTLS, perhaps an attack",
	"capability_missing":   "a required capability is missing",
	"not_tls":              "the port does not speak TLS",
	"cert_expired":         "the certificate has expired",
	"cert_not_yet_valid":   "the certificate is not valid yet",
	"cert_untrusted":       "the certificate is not from a trusted authority",
	"chain_incomplete":     "the server does not send the intermediate certificate",
	"name_mismatch":        "the certificate is for another name",
	"pin_mismatch":         "the certificate's key is not the pinned one",
	"weak_signature":       "the certificate's signature is too weak",
	"weak_key":             "the certificate's key is too weak",
	"protocol_too_old":     "the server speaks only old TLS versions",
	"tls_failure":          "the TLS handshake failed",
	"handshake_failed":     "the server and this machine have no kind of TLS in common",
	"large_client_hello":   "the server answers only a small ClientHello",
	"client_cert_required": "the server demands a client certificate",
	"cert_expires_soon":    "the certificate expires soon",
	"cert_changed":         "the certificate has changed",
	"certs_differ":         "its addresses show different certificates",

	"plaintext_login_disabled": "the server allows no login on this connection",
	"credentials_rejected":     "user name or password rejected",
	"login_refused":            "login refused",
	"backend_unavailable":      "what the server needs for a login does not answer",
	"account_expired":          "the account's password has expired",
	"contact_admin":            "the server asks to contact its administrator",
	"privacy_required":         "the server wants more encryption",
	"over_quota":               "the mailbox is over its quota",
	"server_bug":               "the server says that it has a bug",
	"policy":                   "the server's policy forbids this login",
	"token_refused":            "the OAuth token was refused",
	"token_unavailable":        "no OAuth token could be had",
	"login_not_tried":          "no login was tried; another check used the account",
	"scram_refused":            "SCRAM is refused, another mechanism is accepted",
	"mailbox_missing":          "the mailbox does not exist",
	"mailbox_in_use":           "the mailbox is locked",
	"alert":                    "the server has an alert",
	"slow":                     "slower than its threshold",

	"local_fault":   "a fault of the monitoring machine itself",
	"resolver_down": "the monitoring machine's resolver does not answer",
	"undelivered":   "messages do not arrive",
}
