package email

import (
	"fmt"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
)

// domainProfile turns domains of any script into A-labels (RFC 5890 section
// 2.3.2.1), as a mail server without SMTPUTF8 needs them.
var domainProfile = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true), idna.Transitional(false))

// parseMailbox reads an RFC 5322 mailbox: "it@example.net" or "IT
// <it@example.net>". Its domain may be of any script; what is given back has it
// in ASCII form.
func parseMailbox(text string) (*mail.Address, error) {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a mail address: %w", text, err)
	}
	return address, convertDomainToASCII(address)
}

// convertDomainToASCII gives the address's domain its ASCII form (RFC 5891). The local
// part stays as it is: only the server that delivers knows what it means (RFC 5321
// section 2.3.11).
func convertDomainToASCII(address *mail.Address) error {
	at := strings.LastIndex(address.Address, "@")
	local, domain := address.Address[:at], address.Address[at+1:]
	if strings.HasPrefix(domain, "[") {
		return nil // an address literal, RFC 5321 section 4.1.3
	}
	if isASCII(domain) {
		return nil // names with underscores exist and work
	}
	encoded, err := domainProfile.ToASCII(domain)
	if err != nil {
		return fmt.Errorf("%q is not a mail address: the domain %q has no ASCII form: %w", address.Address, domain, err)
	}
	address.Address = local + "@" + encoded
	return nil
}

// CheckAddress says what is wrong with an RFC 5322 mailbox, as [NewTarget] and
// [Settings] would.
func CheckAddress(text string) error {
	_, err := parseMailbox(text)
	return err
}

// smtpPath returns an address as it stands in MAIL and RCPT, with its angle brackets (RFC
// 5321 section 4.1.2). A local part that needs quotes gets them, so that nothing
// in it can be read as a parameter of the command.
func smtpPath(address string) string { return (&mail.Address{Address: address}).String() }

// isASCII reports whether a text needs no SMTPUTF8 (RFC 6531).
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '~' })
}
