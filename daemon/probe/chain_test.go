package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// A chainCase is a server with certificates of any shape: an authority that is
// trusted, and what stands below and beside it. It is midnight of 2000-01-01.
type chainCase struct {
	*bubble
	root *ca.Authority
}

// endsAfter gives a certificate ten years that end in so many days.
func endsAfter(daysLeft int) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = epoch.AddDate(-10, 0, daysLeft), epoch.AddDate(0, 0, daysLeft)
	}
}

// called gives an authority a name, and more.
func called(name string, changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.Subject.CommonName = name
		for _, change := range changes {
			change(c)
		}
	}
}

// forYear is a leaf that is good for a year.
func forYear() ca.Leaf { return ca.Leaf{NotAfter: epoch.AddDate(1, 0, 0)} }

// show has the server show a certificate and these besides.
func (f *chainCase) show(leaf tls.Certificate, others ...*x509.Certificate) {
	leaf.Certificate = leaf.Certificate[:1:1]
	for _, other := range others {
		leaf.Certificate = append(leaf.Certificate, other.Raw)
	}
	f.certs.Add("shown", leaf)
	address := "192.0.2.1"
	if _, ok := addressOf(f.check.Hostname); ok {
		address = f.check.Hostname
	}
	f.serve(address, "tls shown\nS: * OK ready\nserve")
}

// trustInFile has the check trust these authorities, as a ca_file would.
func (f *chainCase) trustInFile(authorities ...*ca.Authority) {
	pem := ""
	for _, authority := range authorities {
		pem += string(authority.PEM())
	}
	f.check.TLS.CA = config.NewBlob(pem)
}

// trustCertificate has the check trust a certificate that is no authority's.
func (f *chainCase) trustCertificate(cert *x509.Certificate) {
	f.check.TLS.CA = config.NewBlob(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
}

// judgedBy sets the certificates up and compares what is said of them.
func judgedBy(t *testing.T, want, hint string, set func(*chainCase)) {
	t.Helper()
	inBubble(t, func(b *bubble) {
		f := &chainCase{b, b.certs.Authority}
		set(f)
		r := b.probe()
		b.expect(r, want)
		worst, _ := r.Worst()
		if !strings.Contains(worst.Hint, hint) {
			t.Errorf("the hint %q does not hold %q", worst.Hint, hint)
		}
	})
}

func TestFirstEndOfBestChainCounts(t *testing.T) {
	const soon = "degraded tls/cert_expires_soon certificate"
	for name, test := range map[string]struct {
		want, hint string
		set        func(*chainCase)
	}{
		"an intermediate ends first": {soon, `The intermediate certificate "CN=Issuing" expires in 20 days, on 2000-01-21; then nobody can verify the server any more, although its own certificate is good until 2001-01-01.`, func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(20)))
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"an intermediate ends later": {"ok", "", func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(22)))
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"the root ends first": {soon, `The certificate of the authority "CN=Old Root" expires in 5 days`, func(f *chainCase) {
			old := ca.NewWith(ca.ECDSA, called("Old Root", endsAfter(5)))
			f.trustInFile(old)
			f.show(old.Issue(forYear()))
		}},
		"the root of the system ends first": {soon, `The certificate of the authority "CN=Old Root" expires in 5 days`, func(f *chainCase) {
			old := ca.NewWith(ca.ECDSA, called("Old Root", endsAfter(5)))
			f.prober.trust.roots = old.Pool()
			issuing := old.Under(ca.ECDSA, called("Issuing"))
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"the first of three": {soon, `The intermediate certificate "CN=Policy" expires in 9 days`, func(f *chainCase) {
			policy := f.root.Under(ca.ECDSA, called("Policy", endsAfter(9)))
			issuing := policy.Under(ca.ECDSA, called("Issuing", endsAfter(12)))
			f.show(issuing.Issue(ca.Leaf{NotAfter: epoch.AddDate(0, 0, 15)}), issuing.Certificate(), policy.Certificate())
		}},
		"a certificate of six days under an authority of ten": {"ok", "", func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(10)))
			f.show(issuing.Issue(ca.Leaf{NotAfter: epoch.AddDate(0, 0, 6)}), issuing.Certificate())
		}},
		"both end in the same second": {soon, `The certificate expires in 15 days, on 2000-01-16. So does that of its issuer "CN=Issuing"`, func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(15)))
			f.show(issuing.Issue(ca.Leaf{NotAfter: epoch.AddDate(0, 0, 15)}), issuing.Certificate())
		}},
		"both end within the same day": {soon, `"CN=Issuing" expires in 15 days, on 2000-01-16; then nobody can verify the server any more, and its own certificate ends the same day.`, func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(15)))
			f.show(issuing.Issue(ca.Leaf{NotAfter: epoch.AddDate(0, 0, 15).Add(time.Hour)}), issuing.Certificate())
		}},
		"a cross-signed twin ends soon, and nobody needs it": {"ok", "", func(f *chainCase) {
			old, twin := ca.NewWith(ca.ECDSA, called("Old Root", endsAfter(5))), f.root.Under(ca.ECDSA, called("Twin"))
			f.trustInFile(f.root, old)
			f.show(twin.Issue(forYear()), old.Cross(twin, endsAfter(5)), twin.Certificate())
		}},
		"both ways end soon: the later one counts": {soon, `The intermediate certificate "CN=Twin" expires in 12 days`, func(f *chainCase) {
			old, twin := ca.NewWith(ca.ECDSA, called("Old Root", endsAfter(5))), f.root.Under(ca.ECDSA, called("Twin", endsAfter(12)))
			f.trustInFile(f.root, old)
			f.show(twin.Issue(forYear()), old.Cross(twin, endsAfter(5)), twin.Certificate())
		}},
		"the intermediate itself is trusted": {"ok", "", func(f *chainCase) {
			old := ca.NewWith(ca.ECDSA, called("Old Root", endsAfter(5)))
			issuing := old.Under(ca.ECDSA, called("Issuing"))
			f.trustInFile(issuing)
			f.show(issuing.Issue(forYear()), issuing.Certificate(), old.Certificate())
		}},
		"a warning of one's own": {"ok", "", func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(20)))
			f.check.TLS.ExpiryWarning, f.check.TLS.ExpiryCritical = 10*24*60*60e9, 60*60e9
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"a pinned key has no chain": {"ok", "", func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(5)))
			leaf := issuing.Issue(forYear())
			f.check.TLS.PinSHA256 = publicKeyPin(leaf.Leaf)
			f.show(leaf, issuing.Certificate())
		}},
		"a pinned key beside ca_file has one": {soon, `"CN=Issuing" expires in 5 days`, func(f *chainCase) {
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(5)))
			leaf := issuing.Issue(forYear())
			f.check.TLS.PinSHA256 = publicKeyPin(leaf.Leaf)
			f.trustInFile(f.root)
			f.show(leaf, issuing.Certificate())
		}},
	} {
		t.Run(name, func(t *testing.T) { judgedBy(t, test.want, test.hint, test.set) })
	}
}

// An authority that ends within three days is critical, which is told again.
func TestEndOfAuthorityIsGraded(t *testing.T) {
	for daysLeft, grade := range map[int]int{2: 1, 4: 0} {
		inBubble(t, func(b *bubble) {
			f := &chainCase{b, b.certs.Authority}
			issuing := f.root.Under(ca.ECDSA, called("Issuing", endsAfter(daysLeft)))
			f.show(issuing.Issue(forYear()), issuing.Certificate())
			if got := b.probe().Findings[0].Grade; got != grade {
				t.Errorf("%d days before its end: grade %d, want %d", daysLeft, got, grade)
			}
		})
	}
}

// What a server sends beyond what its chain needs is judged by nobody.
func TestUnusedCertificatesAreJudgedByNobody(t *testing.T) {
	weak := func(f *chainCase) *x509.Certificate { return f.root.Under(ca.RSA1024, called("Weak")).Certificate() }
	for name, unused := range map[string]func(*chainCase) *x509.Certificate{
		"expired": func(f *chainCase) *x509.Certificate {
			return f.root.Under(ca.ECDSA, called("Gone", endsAfter(-9))).Certificate()
		},
		"ends soon": func(f *chainCase) *x509.Certificate {
			return f.root.Under(ca.ECDSA, called("Going", endsAfter(2))).Certificate()
		},
		"not yet valid": func(f *chainCase) *x509.Certificate {
			return f.root.Under(ca.ECDSA, called("Coming", endsAfter(9999))).Certificate()
		},
		"a weak key": weak,
		"a weak signature": func(f *chainCase) *x509.Certificate {
			return f.root.Under(ca.ECDSA, called("Forged", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })).Certificate()
		},
		"another server's": func(f *chainCase) *x509.Certificate { return f.root.Issue(ca.Leaf{SHA1: true}).Leaf },
	} {
		t.Run(name, func(t *testing.T) {
			judgedBy(t, "ok", "", func(f *chainCase) {
				issuing := f.root.Under(ca.ECDSA, called("Issuing"))
				f.show(issuing.Issue(forYear()), issuing.Certificate(), unused(f))
			})
			judgedBy(t, "down tls/cert_untrusted", `"CN=Strange Root"`, func(f *chainCase) {
				strange := ca.NewWith(ca.ECDSA, called("Strange Root"))
				issuing := strange.Under(ca.ECDSA, called("Issuing"))
				f.show(issuing.Issue(forYear()), unused(f), issuing.Certificate())
			})
		})
	}
}

// A chain that avoids a short key is enough.
func TestShortKeysOfChains(t *testing.T) {
	judgedBy(t, "degraded tls/weak_key certificate", `The RSA key of "CN=Weak" has 1024 bits`, func(f *chainCase) {
		weak := f.root.Under(ca.RSA1024, called("Weak"))
		f.show(weak.Issue(forYear()), weak.Certificate())
	})
	judgedBy(t, "ok", "", func(f *chainCase) {
		weakRoot := ca.NewWith(ca.RSA1024, called("Old Root"))
		f.trustInFile(weakRoot)
		f.show(weakRoot.Issue(forYear()))
	})
	judgedBy(t, "ok", "", func(f *chainCase) {
		twin, weak := f.root.Under(ca.ECDSA, called("Twin")), f.root.Under(ca.RSA1024, called("Weak"))
		f.show(twin.Issue(forYear()), weak.Cross(twin, nil), weak.Certificate(), twin.Certificate())
	})
}
