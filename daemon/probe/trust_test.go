package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

func TestPin(t *testing.T) {
	for _, test := range []struct {
		name, certificate, pinned, want string
	}{
		{"the key stands for the issuer", "self-signed", "self-signed", "ok"},
		{"and not for the name", "wrong-name", "wrong-name", "down tls/name_mismatch"},
		{"one of several", "good", "expired good", "ok"},
		{"another key, although the chain is good", "good", "expired", "down tls/pin_mismatch"},
		{"dates matter all the same", "expired", "expired", "down tls/cert_expired"},
		{"and so do dates to come", "not-yet-valid", "not-yet-valid", "down tls/cert_not_yet_valid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				var pins []string
				for name := range strings.FieldsSeq(test.pinned) {
					pins = append(pins, pinOf(t, b.certs, name))
				}
				b.check.TLS.PinSHA256 = strings.Join(pins, " ")
				b.serve("192.0.2.1", "tls "+test.certificate+"\nS: * OK ready\nserve")
				r := b.probe()
				b.expect(r, test.want)
				if f, bad := r.Worst(); bad && f.Cause == config.CausePinMismatch && !strings.Contains(f.Hint, pinOf(t, b.certs, test.certificate)) {
					t.Errorf("the hint %q does not name the present key", f.Hint)
				}
			})
		})
	}
}

func pinOf(t *testing.T, certs *imaptest.Certificates, name string) string {
	t.Helper()
	certificate, err := certs.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return publicKeyPin(certificate.Leaf)
}

// The hint of an untrusted certificate holds the pin that would accept it.
func TestUntrustedHintOffersThePin(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "tls self-signed\nS: * OK ready\nserve")
		_, offer, _ := strings.Cut(b.probe().Findings[0].Hint, `pin_sha256 = "`)
		b.check.TLS.PinSHA256, _, _ = strings.Cut(offer, `"`)
		b.expect(b.probe(), "ok")
	})
}

func TestCAFileReplacesTheRoots(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", polite)
		b.check.TLS.CA = config.NewBlob(string(b.certs.Authority.PEM()))
		b.prober.trust.roots = ca.New().Pool()
		b.expect(b.probe(), "ok")
		b.check.TLS.CA = config.NewBlob(string(ca.New().PEM()))
		b.expect(b.probe(), "down tls/cert_untrusted")
		b.check.TLS.CA = config.NewBlob("no certificate")
		r := b.probe()
		b.expect(r, "unknown tls/local_fault")
		if !strings.Contains(r.Findings[0].Hint, "ca_file") {
			t.Error(r.Findings[0].Hint)
		}
	})
}

func TestServerName(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.check.Hostname = "mx1.internal"
		b.serve("192.0.2.1", "tls wrong-name\nS: * OK ready\nserve")
		b.expect(b.probe(), "down tls/name_mismatch")
		b.check.TLS.ServerName = "mail.example.org"
		b.expect(b.probe(), "ok")
	})
}

func TestClientCertificateAndEXTERNAL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		own := b.certs.Authority.Issue(ca.Leaf{Names: []string{"monitor"}})
		cert, key := pemOf(t, own)
		server := b.serve("192.0.2.1", "tls client-cert\nS: * OK ready\nserve AUTH=EXTERNAL SASL-IR")
		b.expect(b.probe(), "down tls/client_cert_required")
		b.check.TLS.Cert, b.check.TLS.Key = config.NewBlob(cert), opaque.NewSecret(key)
		b.check.Login.Username = "monitor"
		b.expect(b.probe(), "ok")
		if got := strings.Join(server.Commands(), ", "); got != "CAPABILITY, AUTHENTICATE EXTERNAL bW9uaXRvcg==, LOGOUT" {
			t.Error(got)
		}
		b.check.TLS.Key = opaque.NewSecret("not a key " + secret)
		r := b.probe()
		b.expect(r, "unknown tls/local_fault")
		if strings.Contains(r.Findings[0].Hint, secret) {
			t.Error("the hint quotes the key")
		}
	})
}

// pemOf is a certificate as cert_file and key_file hold it.
func pemOf(t *testing.T, certificate tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestExpiryLimits(t *testing.T) {
	const aDay = 24 * time.Hour
	for _, test := range []struct {
		options           config.TLS
		lifetime          time.Duration
		warning, critical time.Duration
	}{
		{config.TLS{}, 365 * aDay, 21 * aDay, 3 * aDay},
		{config.TLS{}, 90 * aDay, 21 * aDay, 3 * aDay},
		{config.TLS{}, 45 * aDay, 15 * aDay, 3 * aDay},
		{config.TLS{}, 21 * aDay, 7 * aDay, 21 * aDay / 10},
		{config.TLS{}, 6 * aDay, 2 * aDay, 6 * aDay / 10},
		{config.TLS{ExpiryWarning: 30 * aDay, ExpiryCritical: aDay}, 6 * aDay, 30 * aDay, aDay},
	} {
		if w, c := test.options.ExpiryLimits(test.lifetime); w != test.warning || c != test.critical {
			t.Errorf("a certificate of %v: %v and %v, want %v and %v", test.lifetime, w, c, test.warning, test.critical)
		}
	}
}

func TestExpiryIsGraded(t *testing.T) {
	for certificate, grade := range map[string]int{"expiring": 0, "critical": 1} {
		inBubble(t, func(b *bubble) {
			b.serve("192.0.2.1", "tls "+certificate+"\nS: * OK ready\nserve")
			r := b.probe()
			b.expect(r, "degraded tls/cert_expires_soon certificate")
			if got := r.Findings[0].Grade; got != grade {
				t.Errorf("%s: grade %d", certificate, got)
			}
		})
	}
}

// A server that asks for a client certificate and has got on without one before hangs
// up for another reason.
func TestHangUpsOfServersThatAskInVain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "tls ask-cert\nreset")
		b.expect(b.probe(), "down tls/client_cert_required")
		b.serve("192.0.2.1", "tls ask-cert\nS: * OK ready\nserve")
		b.expect(b.probeAfter(time.Minute), "ok")
		b.serve("192.0.2.1", "tls ask-cert\nreset")
		b.expect(b.probeAfter(time.Minute), "down greeting/closed")
	})
}

// A login that is refused for want of a client certificate is repeated no faster than
// any that is refused.
func TestLoginsWithoutCertificateWait(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.login(config.Login{Username: "alice"})
		b.serve("192.0.2.1", "tls ask-cert\nS: * OK ready\nuntil LOGIN *\nS: $tag NO [ALERT] Client didn't present valid SSL certificate\nserve")
		for range 5 {
			r := b.probeAfter(time.Minute)
			if r.Observed.Has(config.ConditionAccount) {
				b.expect(r, "degraded tls/client_cert_required account")
			}
		}
		if n := b.logins("192.0.2.1"); n != 2 {
			t.Errorf("%d logins in 5 minutes", n)
		}
	})
}
