package ca

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAClientSaysOfALeaf(t *testing.T) {
	authority := New()
	tests := map[string]struct {
		leaf Leaf
		name string
		want func(error) bool // nil: accepted
	}{
		"zero value":                  {Leaf{}, "localhost", nil},
		"zero value by IPv4":          {Leaf{}, "127.0.0.1", nil},
		"zero value by IPv6":          {Leaf{}, "::1", nil},
		"own name":                    {Leaf{Names: []string{"mx1.example.org"}}, "mx1.example.org", nil},
		"own address":                 {Leaf{IPs: []net.IP{net.IPv4(127, 0, 0, 2)}}, "127.0.0.2", nil},
		"other name":                  {Leaf{Names: []string{"mx1.example.org"}}, "localhost", is[x509.HostnameError]},
		"RSA":                         {Leaf{Key: RSA2048}, "localhost", nil},
		"weak key, which Go lets by":  {Leaf{Key: RSA1024}, "localhost", nil},
		"expired":                     {Expired(Leaf{}), "localhost", invalid(x509.Expired)},
		"not yet valid":               {NotYetValid(Leaf{}), "localhost", invalid(x509.Expired)},
		"self-signed":                 {Leaf{SelfSigned: true}, "localhost", is[x509.UnknownAuthorityError]},
		"through an intermediate":     {Leaf{Intermediate: Sent}, "localhost", nil},
		"intermediate withheld":       {Leaf{Intermediate: Withheld}, "localhost", is[x509.UnknownAuthorityError]},
		"signed with SHA-1":           {Leaf{SHA1: true}, "localhost", sha1},
		"self-signed RSA with SHA-1":  {Leaf{SelfSigned: true, Key: RSA2048, SHA1: true}, "localhost", is[x509.UnknownAuthorityError]},
		"self-signed, intermediate":   {Leaf{SelfSigned: true, Intermediate: Sent}, "localhost", is[x509.UnknownAuthorityError]},
		"valid for a past, given day": {Leaf{NotAfter: time.Now().Add(-48 * time.Hour), NotBefore: time.Now().Add(-72 * time.Hour)}, "localhost", invalid(x509.Expired)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := verify(authority.Issue(test.leaf), authority.Pool(), test.name)
			switch {
			case test.want == nil && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != nil && (err == nil || !test.want(err)):
				t.Errorf("refused for another reason: %v", err)
			}
		})
	}
}

// verify returns what a client with these roots says of the chain that a server sends. It
// needs no connection, and so works in a synctest bubble too.
func verify(certificate tls.Certificate, roots *x509.CertPool, name string) error {
	sent := x509.NewCertPool()
	for _, der := range certificate.Certificate[1:] {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		sent.AddCert(cert)
	}
	_, err := certificate.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: sent})
	return err
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func invalid(reason x509.InvalidReason) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[x509.CertificateInvalidError](err)
		return ok && e.Reason == reason
	}
}

func sha1(err error) bool { return strings.Contains(err.Error(), "SHA1") }

func TestRenewalKeepsTheKey(t *testing.T) {
	authority := New()
	old := authority.Issue(Leaf{})
	renewed := authority.Issue(Leaf{PrivateKey: old.PrivateKey})
	if string(old.Leaf.RawSubjectPublicKeyInfo) != string(renewed.Leaf.RawSubjectPublicKeyInfo) {
		t.Error("the renewed certificate has another key")
	}
	if old.Leaf.SerialNumber.Cmp(renewed.Leaf.SerialNumber) == 0 {
		t.Error("the renewed certificate has the same serial number")
	}
}

func TestKeysHaveTheBitsTheyWereAskedFor(t *testing.T) {
	for kind, bits := range map[Key]int{RSA2048: 2048, RSA1024: 1024} {
		leaf := New().Issue(Leaf{Key: kind}).Leaf
		if got := leaf.PublicKey.(*rsa.PublicKey).N.BitLen(); got != bits {
			t.Errorf("RSA key of %d bits, want %d", got, bits)
		}
	}
}

func TestFilesLoadAgain(t *testing.T) {
	authority, dir := New(), t.TempDir()
	root, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := authority.WriteFile(root); err != nil {
		t.Fatal(err)
	}
	if err := WriteFiles(authority.Issue(Leaf{Intermediate: Sent}), cert, key); err != nil {
		t.Fatal(err)
	}
	loaded, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(root)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in the written root file")
	}
	if err := handshake(t, loaded, roots); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v; want mode 0600", info.Mode(), err)
	}
	if err := WriteFiles(loaded, filepath.Join(dir, "missing", "cert.pem"), key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("writing into a missing directory: %v", err)
	}
}

func TestGoodInABubbleOfItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authority := New()
		certificate := authority.Issue(Leaf{})
		if err := verify(certificate, authority.Pool(), "localhost"); err != nil {
			t.Error(err)
		}
		time.Sleep(91 * 24 * time.Hour)
		if err := verify(certificate, authority.Pool(), "localhost"); err == nil || !invalid(x509.Expired)(err) {
			t.Errorf("after 91 days: %v, want expired", err)
		}
	})
}

// handshake makes one TLS connection over loopback to a server with this certificate.
func handshake(t *testing.T, certificate tls.Certificate, roots *x509.CertPool) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = errors.Join(conn.(*tls.Conn).Handshake(), conn.Close())
		}
		served <- err
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "localhost"})
	if err != nil {
		return err
	}
	return errors.Join(conn.Close(), <-served)
}
