package probe

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// Certificates that hardly anybody has, and what is said of them. It is midnight
// of 2000-01-01.
func TestOddCertificates(t *testing.T) {
	lasting := func(from, to time.Time) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
	}
	forEver := ca.Leaf{NotBefore: epoch.AddDate(-1, 0, 0), NotAfter: epoch.AddDate(200, 0, 0)}
	for _, test := range []struct {
		name string
		leaf ca.Leaf
		now  time.Time // zero: midnight
		want string
		hint string
	}{
		{
			name: "an intermediate that has expired",
			leaf: ca.Leaf{Intermediate: ca.Sent, ChangeIntermediate: lasting(epoch.AddDate(-1, 0, 0), epoch.AddDate(0, 0, -3))},
			want: "down tls/cert_expired", hint: `The intermediate certificate "CN=imapvigil throw-away intermediate" that the server sends expired on 1999-12-29`,
		}, {
			name: "an intermediate that is not yet valid",
			leaf: ca.Leaf{Intermediate: ca.Sent, ChangeIntermediate: lasting(epoch.AddDate(0, 0, 3), epoch.AddDate(1, 0, 0))},
			want: "down tls/cert_not_yet_valid", hint: "that the server sends is valid from 2000-01-04 00:00 UTC on",
		}, {
			name: "an authority that has expired",
			leaf: forEver, now: time.Date(2100, 1, 3, 0, 0, 0, 0, time.UTC),
			want: "down tls/cert_expired", hint: `"CN=imapvigil throw-away root", which the server's depends on, expired on 2099-12-31`,
		}, {
			name: "a critical extension",
			leaf: ca.Leaf{Change: func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}}
			}},
			want: "down tls/cert_untrusted", hint: "has an unknown critical extension",
		}, {
			name: "for clients only",
			leaf: ca.Leaf{Change: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }},
			want: "down tls/cert_untrusted", hint: "incompatible key usage",
		}, {
			name: "without a name",
			leaf: ca.Leaf{Change: func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }},
			want: "down tls/name_mismatch", hint: "The certificate is for no name at all, not for localhost.",
		}, {
			name: "with a thousand names",
			leaf: ca.Leaf{Change: func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = manyNames(1000), nil }},
			want: "down tls/name_mismatch", hint: "is for n0.example, n1.example, n2.example, n3.example, n4.example and 995 more, not for localhost.",
		}, {
			name: "with control characters",
			leaf: ca.Leaf{Change: func(c *x509.Certificate) {
				c.Subject.CommonName, c.NotAfter = "a\x1b[31m\u202e\n|", c.NotBefore.Add(time.Minute)
				c.DNSNames = append(c.DNSNames, "evil\x1b[2J.example")
			}},
			want: "down tls/cert_expired", hint: "The certificate expired on 1999-12-31, 59 minutes ago.",
		}, {
			name: "that ends before it begins",
			leaf: ca.Leaf{NotBefore: epoch.AddDate(0, 0, 3), NotAfter: epoch.AddDate(0, 0, -3)},
			want: "down tls/cert_expired", hint: "expired on 1999-12-29, 3 days ago",
		}, {
			name: "that ends in a moment",
			leaf: ca.Leaf{NotAfter: epoch.Add(30 * time.Second)},
			want: "degraded tls/cert_expires_soon", hint: "expires in less than two minutes, on 2000-01-01",
		}, {
			name: "of an RSA key that is too short, without a subject",
			leaf: ca.Leaf{Key: ca.RSA1024, Change: func(c *x509.Certificate) { c.Subject = pkix.Name{} }},
			want: "degraded tls/weak_key", hint: `The RSA key of "localhost" has 1024 bits`,
		}, {
			name: "that never ends",
			leaf: ca.Leaf{NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, // RFC 5280 section 4.1.2.5
			want: "ok",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.certs.Add("odd", b.certs.Authority.Issue(test.leaf))
				if !test.now.IsZero() {
					b.prober.now = func() time.Time { return test.now }
				}
				b.serve("192.0.2.1", "tls odd\nS: * OK ready\nserve")
				r := b.probe()
				b.expect(r, test.want)
				if worst, _ := r.Worst(); !strings.Contains(worst.Hint, test.hint) {
					t.Errorf("the hint %q does not hold %q", worst.Hint, test.hint)
				}
				info := r.Addresses[0].TLS
				for _, text := range append(info.Names, info.Subject, info.Issuer) {
					if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
						t.Errorf("not sanitised: %q", text)
					}
				}
				if info.Subject == "" {
					t.Error("the certificate has no name to be called by")
				}
			})
		})
	}
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("n%d.example", i))
	}
	return names
}

// Without any authority to trust, it is this machine that cannot judge.
func TestAMachineThatTrustsNobodyIsAtFault(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.prober.trust.roots = x509.NewCertPool()
		r := b.probe()
		b.expect(r, "unknown tls/local_fault monitor")
		if !strings.Contains(r.Findings[0].Hint, "ca-certificates") {
			t.Error(r.Findings[0].Hint)
		}
		b.check.TLS.CA = config.NewBlob(string(ca.New().PEM()))
		b.expect(b.probe(), "down tls/cert_untrusted service")
	})
}
