package names_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/config/names"
)

func TestHost(t *testing.T) {
	for _, c := range []struct{ text, want, complaint string }{
		{text: "imap.example.org", want: "imap.example.org"},
		{text: "imap.example.org.", want: "imap.example.org"},
		{text: "MX1", want: "mx1"},
		{text: "mx1.", want: "mx1."},
		{text: "localhost", want: "localhost"},
		{text: "localhost.", want: "localhost"},
		{text: "bücher.example.", want: "xn--bcher-kva.example"},
		{text: "bücher.example。", want: "xn--bcher-kva.example"},
		{text: "mx1。", want: "mx1."},
		{text: "fe80::1%eth0", want: "fe80::1%eth0"},
		{text: "::ffff:192.0.2.1", want: "::ffff:192.0.2.1"},
		{text: "imap.example.org..", complaint: "This is neither an IP address nor a DNS name: between dots there are 1 to 63 letters, digits and hyphens."},
		{text: "_imap.example.org", want: "_imap.example.org"},
		{text: "bücher.example", want: "xn--bcher-kva.example"},
		{text: "192.0.2.1", want: "192.0.2.1"},
		{text: "2001:db8::1", want: "2001:db8::1"},
		{text: "[2001:db8::1]", complaint: "Leave out the brackets: an IPv6 address is written as it is."},
		{text: "imap.example.org:993", complaint: `The port is an attribute of its own. Write "imap.example.org" here, and port = 993`},
		{text: "imaps://imap.example.org/", complaint: `Leave out "imaps://": a host is only the name, "imap.example.org".`},
		{text: "imap example", complaint: "A host has no spaces in it."},
		{text: "192.0.2.300", complaint: "This looks like an IPv4 address and is none: that has four numbers from 0 to 255."},
		{text: "-imap.example.org", complaint: "This is neither an IP address nor a DNS name: between dots there are 1 to 63 letters, digits and hyphens."},
		{text: "", complaint: "This is neither an IP address nor a DNS name: between dots there are 1 to 63 letters, digits and hyphens."},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := names.Host(c.text)
			complaint := ""
			if err != nil {
				complaint = err.Error()
			}
			if got != c.want || complaint != c.complaint {
				t.Errorf("%q, %q, want %q, %q", got, complaint, c.want, c.complaint)
			}
		})
	}
}
