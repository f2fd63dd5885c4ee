package serverfiles_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func authority(t *testing.T) serverfiles.Pair {
	t.Helper()
	pair, err := serverfiles.NewAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func issue(t *testing.T, by serverfiles.Pair, host string) serverfiles.Pair {
	t.Helper()
	pair, err := by.Issue(host, now)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func parsed(t *testing.T, pair serverfiles.Pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(pair.Certificate)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// TestIssue: nodes and other servers take the certificate for its host, for five years.
func TestIssue(t *testing.T) {
	ca := authority(t)
	for _, host := range []string{"fra1.example.net", "192.0.2.1", "2001:db8::1"} {
		pair := issue(t, ca, host)
		until, err := ca.Until(pair, host, now)
		if want := now.AddDate(5, 0, 0); err != nil || !until.Equal(want) {
			t.Errorf("%s is valid until %v (%v)", host, until, err)
		}
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(ca.Certificate)
			if _, err := parsed(t, pair).Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
				t.Errorf("%s for usage %d: %v", host, usage, err)
			}
		}
	}
	if ends, err := ca.Ends(); err != nil || !ends.Equal(now.AddDate(20, 0, 0)) {
		t.Errorf("the authority ends at %v (%v)", ends, err)
	}
}

// TestUntil: what nodes would refuse is an error.
func TestUntil(t *testing.T) {
	ca, other := authority(t), authority(t)
	pair, stranger := issue(t, ca, "fra1.example.net"), issue(t, other, "fra1.example.net")
	for name, test := range map[string]struct {
		pair serverfiles.Pair
		host string
		at   time.Time
	}{
		"of another authority": {stranger, "fra1.example.net", now},
		"for another host":     {pair, "nyc1.example.net", now},
		"ended":                {pair, "fra1.example.net", now.AddDate(5, 0, 1)},
		"with another key":     {serverfiles.Pair{Certificate: pair.Certificate, Key: stranger.Key}, "fra1.example.net", now},
		"none":                 {serverfiles.Pair{}, "fra1.example.net", now},
	} {
		if _, err := ca.Until(test.pair, test.host, test.at); err == nil {
			t.Errorf("a certificate is taken that is %s", name)
		}
	}
	if _, err := pair.Ends(); err == nil {
		t.Error("the certificate of a server is taken for an authority")
	}
}

// TestAuthorityOutlivesItsCertificates: what it makes in its last years ends with it.
func TestAuthorityOutlivesItsCertificates(t *testing.T) {
	ca := authority(t)
	late, err := ca.Issue("fra1.example.net", now.AddDate(18, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if ends, _ := ca.Ends(); !parsed(t, late).NotAfter.Equal(ends) {
		t.Errorf("it ends at %v, and the authority at %v", parsed(t, late).NotAfter, ends)
	}
}
