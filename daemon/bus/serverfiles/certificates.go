package serverfiles

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"
)

// How long what is made here is valid. A bus whose certificates have ended leaves every node alone,
// so they last; the authority outlives those that it has made.
const (
	authorityYears   = 20
	certificateYears = 5
)

// A Pair is a certificate and its key, in PEM.
type Pair struct{ Certificate, Key []byte }

// NewAuthority makes the authority of a cluster. Nodes and servers trust it, and nobody else does.
func NewAuthority(now time.Time) (Pair, error) {
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "imapvigil bus authority"},
		NotAfter:              now.AddDate(authorityYears, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it makes certificates of servers, and no other authorities
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, now, nil)
}

// Issue makes the certificate of a server, by which nodes and other servers know it.
func (authority Pair) Issue(host string, now time.Time) (Pair, error) {
	issuer, err := parse(authority)
	if err != nil {
		return Pair{}, fmt.Errorf("the authority cannot be used: %w", err)
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: host},
		NotAfter: now.AddDate(certificateYears, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature,
		// A server is the client of the other servers.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	if template.NotAfter.After(issuer.Leaf.NotAfter) {
		template.NotAfter = issuer.Leaf.NotAfter
	}
	return sign(template, now, issuer)
}

// Until returns when the certificate of a server ends. It is an error if nodes would refuse it
// now: it is not from this authority, not for this host, has ended, or has another key.
func (authority Pair) Until(server Pair, host string, now time.Time) (time.Time, error) {
	pair, err := parse(server)
	if err != nil {
		return time.Time{}, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority.Certificate) {
		return time.Time{}, errors.New("the authority has no certificate")
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, CurrentTime: now})
	return pair.Leaf.NotAfter, err
}

// Ends returns when the authority ends.
func (authority Pair) Ends() (time.Time, error) {
	pair, err := parse(authority)
	if err != nil {
		return time.Time{}, err
	}
	if !pair.Leaf.IsCA {
		return time.Time{}, errors.New("the certificate is not that of an authority")
	}
	return pair.Leaf.NotAfter, nil
}

// parse reads a pair; it is an error if the key belongs to another certificate.
func parse(p Pair) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(p.Certificate, p.Key)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// sign makes a key, and a certificate for it from an issuer; nil: from itself.
func sign(template *x509.Certificate, now time.Time, issuer *tls.Certificate) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, err
	}
	template.NotBefore = now.Add(-time.Hour) // of clocks that are behind
	parent, by := template, any(key)
	if issuer != nil {
		parent, by = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		return Pair{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	}, nil
}
