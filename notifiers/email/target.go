package email

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
)

// A Target is the recipients of a notify block. [NewTarget] makes one.
type Target struct {
	To string `json:"to"` // addresses joined by ", ", in their order
	Cc string `json:"cc,omitempty"`
}

// NewTarget checks addresses (RFC 5322 mailboxes: "it@example.net" or
// "IT <it@example.net>") and joins them. At least one To is needed.
func NewTarget(to, cc []string) (Target, error) {
	if len(to) == 0 {
		return Target{}, errors.New("to is empty: name at least one address")
	}
	for _, address := range append(to[:len(to):len(to)], cc...) {
		if _, err := parseMailbox(address); err != nil {
			return Target{}, err
		}
	}
	return Target{To: strings.Join(to, ", "), Cc: strings.Join(cc, ", ")}, nil
}

// String names the recipients.
func (t Target) String() string {
	if t.Cc == "" {
		return t.To
	}
	return t.To + " cc " + t.Cc
}

// addresses gives To and Cc as the header shows them, domains in ASCII form.
func (t Target) addresses() (to, cc []*mail.Address, err error) {
	if to, err = parseMailboxes(t.To); err != nil {
		return nil, nil, fmt.Errorf("to %q: %w", t.To, err)
	}
	if t.Cc == "" {
		return to, nil, nil
	}
	if cc, err = parseMailboxes(t.Cc); err != nil {
		return nil, nil, fmt.Errorf("cc %q: %w", t.Cc, err)
	}
	return to, cc, nil
}

func parseMailboxes(list string) ([]*mail.Address, error) {
	addresses, err := mail.ParseAddressList(list)
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if err := convertDomainToASCII(address); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}
