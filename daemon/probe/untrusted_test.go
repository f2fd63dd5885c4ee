package probe

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"net"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

func fetchedFrom(url string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.IssuingCertificateURL = []string{url} }
}

func printOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// A chain is called incomplete only when nothing but the server's certificate came
// and it says where its issuer's can be fetched.
func TestWhoIsNotTrusted(t *testing.T) {
	const untrusted, incomplete = "down tls/cert_untrusted", "down tls/chain_incomplete"
	strange := ca.NewWith(ca.ECDSA, called("Corp Root"))
	issuing := strange.Under(ca.ECDSA, called("Corp Issuing", fetchedFrom("http://pki.example/root.crt")))
	leaf := ca.Leaf{NotAfter: epoch.AddDate(1, 0, 0), Change: fetchedFrom("http://pki.example/issuing.crt")}
	for name, test := range map[string]struct {
		want, hint string
		set        func(*chainCase)
	}{
		"every intermediate was sent": {untrusted, `The server sends its certificate and one intermediate, and this machine does not trust "CN=Corp Root", which issued the last of them; if that is intended, name its authority with ca_file`, func(f *chainCase) {
			f.show(issuing.Issue(leaf), issuing.Certificate())
		}},
		"and perhaps one is missing all the same": {untrusted, `If it is one more intermediate, the server must send it, too.`, func(f *chainCase) {
			f.show(issuing.Issue(leaf), issuing.Certificate())
		}},
		"two intermediates, in the wrong order": {untrusted, `its certificate and 2 intermediates, and this machine does not trust "CN=Corp Root"`, func(f *chainCase) {
			second := issuing.Under(ca.ECDSA, called("Corp Second"))
			f.show(second.Issue(leaf), issuing.Certificate(), second.Certificate())
		}},
		"the root was sent as well": {untrusted, `The server sends the whole chain up to "CN=Corp Root", which this machine does not trust`, func(f *chainCase) {
			f.show(issuing.Issue(leaf), issuing.Certificate(), strange.Certificate())
		}},
		"the leaf alone, which a root may have issued": {incomplete, `if it is a private authority, name its authority with ca_file`, func(f *chainCase) {
			f.show(strange.Issue(leaf))
		}},
		"the leaf alone, the root trusted": {incomplete, `does not send the certificate of "CN=Corp Issuing"`, func(f *chainCase) {
			f.trustInFile(strange)
			f.show(issuing.Issue(leaf))
		}},
		"the root instead of the intermediate": {incomplete, `does not send the certificate of "CN=Corp Issuing"`, func(f *chainCase) {
			f.trustInFile(strange)
			f.show(issuing.Issue(leaf), strange.Certificate())
		}},
		"the leaf alone, without a place to fetch from": {untrusted, `The certificate was issued by "CN=Corp Root", which this machine does not trust;`, func(f *chainCase) {
			f.show(strange.Issue(forYear()))
		}},
		"an issuer without a name": {untrusted, `The certificate was issued by an authority without a name, which this machine does not trust;`, func(f *chainCase) {
			f.show(ca.NewWith(ca.ECDSA, called("")).Issue(forYear()))
		}},
		"an expired cross-signed root that an old client would need": {"down tls/cert_expired", `The intermediate certificate "CN=New Root" that the server sends expired`, func(f *chainCase) {
			fresh := ca.NewWith(ca.ECDSA, called("New Root"))
			f.show(fresh.Issue(forYear()), f.root.Cross(fresh, endsAfter(-3)))
		}},
		"the same, under a root that is strange anyway": {untrusted, `this machine does not trust "CN=Corp Root"`, func(f *chainCase) {
			fresh := ca.NewWith(ca.ECDSA, called("New Root"))
			f.show(fresh.Issue(forYear()), strange.Cross(fresh, endsAfter(-3)))
		}},
		"an intermediate that is no authority": {untrusted, `The server sends "CN=Server" as the issuer of its certificate, which is no authority: its basic constraints say CA:FALSE.`, func(f *chainCase) {
			server := f.root.Under(ca.ECDSA, called("Server", noAuthority))
			f.show(server.Issue(forYear()), server.Certificate())
		}},
		"the system has an authority of this name": {untrusted, `(an authority of the same name that is trusted has another key)`, func(f *chainCase) {
			f.show(ca.New().Issue(forYear()))
		}},
	} {
		t.Run(name, func(t *testing.T) { judgedBy(t, test.want, test.hint, test.set) })
	}
}

// What Go cannot read at all ends the handshake, wherever in the chain it stands.
func TestCertificateThatCannotBeRead(t *testing.T) {
	judgedBy(t, "down tls/handshake_failed", "The server sends a malformed certificate: x509: malformed certificate.", func(f *chainCase) {
		f.show(f.root.Issue(forYear()), &x509.Certificate{Raw: []byte("no certificate")})
	})
}

func noAuthority(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }

// What ca_file has that is almost right is named with what is wrong with it.
func TestNearMissesInCAFile(t *testing.T) {
	const want = "down tls/cert_untrusted"
	before, now := ca.NewWith(ca.ECDSA, called("Home CA")), ca.NewWith(ca.ECDSA, called("Home CA"))
	const same = `The authority "CN=Home CA" in ca_file has the same name as the issuer of the server's certificate and another key (SHA-256 of the one in ca_file: `
	for name, test := range map[string]struct {
		hint string
		set  func(*chainCase)
	}{
		"made anew": {same + printOf(before.Certificate()) + "; its key identifier: ", func(f *chainCase) {
			f.trustInFile(before)
			f.show(now.Issue(forYear()))
		}},
		"made anew, and sent": {same + printOf(before.Certificate()) + ", of the server's: " + printOf(now.Certificate()), func(f *chainCase) {
			f.trustInFile(before)
			f.show(now.Issue(forYear()), now.Certificate())
		}},
		"made anew, above an intermediate": {same + printOf(before.Certificate()), func(f *chainCase) {
			issuing := now.Under(ca.ECDSA, called("Issuing"))
			f.trustInFile(f.root, before)
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"made anew as an intermediate": {same + printOf(before.Certificate()), func(f *chainCase) {
			strange := ca.NewWith(ca.ECDSA, called("Strange"))
			issuing := strange.Under(ca.ECDSA, called("Home CA"))
			f.trustInFile(before)
			f.show(issuing.Issue(forYear()), issuing.Certificate())
		}},
		"without key identifiers": {"; the server does not send the other)", func(f *chainCase) {
			f.trustInFile(before)
			f.show(now.Bare().Issue(forYear()))
		}},
		"no authority": {`The certificate "CN=Not a CA" in ca_file is not an authority, so nothing that it issued is trusted: its basic constraints say CA:FALSE.`, func(f *chainCase) {
			not := ca.NewWith(ca.ECDSA, called("Not a CA", noAuthority))
			f.trustInFile(not)
			f.show(not.Issue(forYear()))
		}},
		"may not sign": {`is not an authority, so nothing that it issued is trusted: its key usage does not allow to sign certificates.`, func(f *chainCase) {
			not := ca.NewWith(ca.ECDSA, called("Not a CA", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }))
			f.trustInFile(not)
			f.show(not.Issue(forYear()))
		}},
		"the same key under another name": {`The authority "CN=Home CA" in ca_file has the key that signed the server's certificate, which names another issuer: "CN=Home CA 2".`, func(f *chainCase) {
			renamed := now.Renamed("Home CA 2")
			f.trustInFile(now)
			f.show(renamed.Issue(forYear()))
		}},
		"self-signed, renewed with its key": {"The certificate is self-signed and not the one in ca_file, which has the same name and key; put the new one (SHA-256 ", func(f *chainCase) {
			old := ca.New().Issue(ca.Leaf{SelfSigned: true})
			renewed := ca.New().Issue(ca.Leaf{SelfSigned: true, PrivateKey: old.PrivateKey, NotAfter: epoch.AddDate(1, 0, 0)})
			f.trustCertificate(old.Leaf)
			f.show(renewed)
		}},
		"self-signed, made anew": {`"CN=localhost" in ca_file has the same name as the issuer of the server's certificate and another key`, func(f *chainCase) {
			f.trustCertificate(ca.New().Issue(ca.Leaf{SelfSigned: true}).Leaf)
			f.show(ca.New().Issue(ca.Leaf{SelfSigned: true}))
		}},
		"self-signed, and ca_file has something else": {"The certificate is self-signed; if that is intended, put its authority into ca_file", func(f *chainCase) {
			f.trustInFile(now)
			f.show(ca.New().Issue(ca.Leaf{SelfSigned: true}))
		}},
	} {
		t.Run(name, func(t *testing.T) { judgedBy(t, want, test.hint, test.set) })
	}
}

// Two authorities of one name, one of them right, are no hindrance.
func TestOldAndNewAuthoritySideBySide(t *testing.T) {
	judgedBy(t, "ok", "", func(f *chainCase) {
		before, now := ca.NewWith(ca.ECDSA, called("Home CA")), ca.NewWith(ca.ECDSA, called("Home CA"))
		f.trustInFile(before, now)
		f.show(now.Issue(forYear()))
	})
}

// Whom a certificate is for, when it is for somebody else.
func TestNamesThatDoNotMatch(t *testing.T) {
	named := func(dns []string, ips ...net.IP) ca.Leaf {
		return ca.Leaf{NotAfter: epoch.AddDate(1, 0, 0), Names: []string{"x"}, Change: func(c *x509.Certificate) {
			c.Subject.CommonName, c.DNSNames, c.IPAddresses = "mail.example.org", dns, ips
		}}
	}
	const want, offer = "down tls/name_mismatch", " If clients connect by a name in the certificate, set tls.server_name to it."
	for name, test := range map[string]struct {
		host, serverName string
		leaf             ca.Leaf
		hint             string
	}{
		"an address as a DNS name":          {"192.0.2.1", "", named([]string{"192.0.2.1"}), "The certificate has 192.0.2.1 as a DNS name; clients look for an address only among its IP addresses (RFC 5280 section 4.2.1.6). Get one that lists it there."},
		"the same, beside a name":           {"192.0.2.1", "", named([]string{"192.0.2.1", "mail.example.org"}), "Get one that lists it there." + offer},
		"an IPv6 address as a DNS name":     {"2001:db8::1", "", named([]string{"2001:db8::1"}), "The certificate has 2001:db8::1 as a DNS name"},
		"only a common name":                {"mail.example.org", "", named(nil), `The certificate is for no name at all, not for mail.example.org. It has only the common name "mail.example.org", which clients ignore`},
		"an address, and names":             {"192.0.2.1", "", named([]string{"mail.example.org", "imap.example.org"}), "The certificate is for mail.example.org, imap.example.org, not for the address 192.0.2.1." + offer},
		"an address with a zone":            {"fe80::1%eth0", "", named([]string{"mail.example.org"}), "not for the address fe80::1." + offer},
		"an address, and another address":   {"192.0.2.1", "", named(nil, net.IPv4(192, 0, 2, 9)), "The certificate is for 192.0.2.9, not for 192.0.2.1."},
		"an address, and a server_name":     {"192.0.2.1", "imap.example.org", named([]string{"mail.example.org"}), "The certificate is for mail.example.org, not for imap.example.org, which tls.server_name asks for."},
		"a wildcard one label above":        {"a.b.example.org", "", named([]string{"*.example.org"}), "The certificate is for *.example.org, not for a.b.example.org. A wildcard covers exactly one label."},
		"a wildcard, and a server_name":     {"192.0.2.1", "a.b.example.org", named([]string{"*.example.org"}), "not for a.b.example.org, which tls.server_name asks for. A wildcard covers exactly one label."},
		"a wildcard below":                  {"example.org", "", named([]string{"*.example.org"}), "A wildcard covers exactly one label."},
		"another name, and nothing to add":  {"imap.example.org", "", named([]string{"mail.example.org"}), "The certificate is for mail.example.org, not for imap.example.org."},
		"a name whose text is a common one": {"imap.example.org", "", named([]string{}, net.IPv4(192, 0, 2, 1)), "The certificate is for 192.0.2.1, not for imap.example.org."},
	} {
		t.Run(name, func(t *testing.T) {
			judgedBy(t, want, test.hint, func(f *chainCase) {
				f.check.Hostname, f.check.TLS.ServerName = test.host, test.serverName
				f.show(f.root.Issue(test.leaf))
			})
		})
	}
}

// SNI is blamed only if it was sent: an address never is.
func TestServersThatKnowNoSuchName(t *testing.T) {
	refuses := "spoken-to\nraw \"\\x15\\x03\\x03\\x00\\x02\\x02\\x70\"\nsilence" // alert 112, unrecognized_name
	for host, hint := range map[string]string{
		"localhost": "The server says that it does not know the name localhost (SNI).",
		"192.0.2.1": "The server requires a name (SNI), and clients send none when they connect to an address. Set tls.server_name.",
	} {
		judgedBy(t, "down tls/name_mismatch", hint, func(f *chainCase) {
			f.check.Hostname = host
			f.serve("192.0.2.1", refuses)
		})
	}
}

// Of two ways to the authorities, the one that is not forged is the server's.
func TestWeakSignaturesOfIssuers(t *testing.T) {
	weak := func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 }
	judgedBy(t, "down tls/weak_signature", `The certificate of "CN=Issuing" is signed with ECDSA-SHA1`, func(f *chainCase) {
		issuing := f.root.Under(ca.ECDSA, called("Issuing", weak))
		f.show(issuing.Issue(forYear()), issuing.Certificate())
	})
	strange, other := ca.NewWith(ca.ECDSA, called("Strange")), ca.NewWith(ca.ECDSA, called("Other"))
	judgedBy(t, "down tls/cert_untrusted", `this machine does not trust "CN=Strange"`, func(f *chainCase) {
		twin := strange.Under(ca.ECDSA, called("Twin"))
		f.show(twin.Issue(forYear()), other.Cross(twin, weak), twin.Certificate())
	})
	judgedBy(t, "down tls/cert_untrusted", `this machine does not trust "CN=Strange"`, func(f *chainCase) {
		issuing := strange.Under(ca.ECDSA, called("Issuing", weak)) // whose issuer is not known anyway
		f.show(issuing.Issue(forYear()), issuing.Certificate())
	})
	judgedBy(t, "ok", "", func(f *chainCase) { // a root's own signature means nothing
		root := ca.NewWith(ca.ECDSA, called("Old Root", weak))
		f.trustInFile(root)
		f.show(root.Issue(forYear()), root.Certificate())
	})
	judgedBy(t, "ok", "", func(f *chainCase) {
		twin := f.root.Under(ca.ECDSA, called("Twin"))
		f.show(twin.Issue(forYear()), strange.Cross(twin, weak), twin.Certificate())
	})
}
