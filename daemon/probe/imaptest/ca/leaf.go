package ca

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"time"
)

// Leaf says what certificate to issue. The zero value is a good one.
type Leaf struct {
	// Names are DNS names, the first one is also the common name. Names and IPs both
	// empty mean localhost, 127.0.0.1 and ::1.
	Names []string
	IPs   []net.IP

	// NotBefore is an hour ago when zero, NotAfter 90 days after NotBefore; both are cut
	// to whole seconds, as certificates have them.
	NotBefore, NotAfter time.Time

	// Key is the kind of a new key. PrivateKey, when set, is used instead: that of an earlier
	// tls.Certificate for a renewal that keeps the key, and with it every pin on it.
	Key        Key
	PrivateKey crypto.PrivateKey

	// SelfSigned ignores the authority.
	SelfSigned bool
	// Intermediate puts one more certificate between root and leaf.
	Intermediate Intermediate
	// SHA1 signs with SHA-1, which clients refuse.
	SHA1 bool

	// Change has the last word on what is in the certificate, ChangeIntermediate on what
	// is in that of the intermediate.
	Change, ChangeIntermediate func(*x509.Certificate)
}

// Key is a kind of private key.
type Key int

// The kinds of keys. RSA keys take a tenth of a second and more to make; Go's TLS accepts
// RSA1024, other clients do not.
const (
	ECDSA   Key = iota // P-256
	RSA2048            // bits
	RSA1024            // bits; too weak
)

// Intermediate says whether an intermediate certificate signs the leaf.
type Intermediate int

// Where the intermediate certificate is. Withheld is the common mistake: the leaf is
// signed by an intermediate that the server does not send.
const (
	NoIntermediate Intermediate = iota
	Sent
	Withheld
)

// Expired returns l as a certificate that ended an hour ago, after 90 days.
func Expired(l Leaf) Leaf {
	l.NotAfter = time.Now().Add(-time.Hour)
	l.NotBefore = l.NotAfter.Add(-defaultLife)
	return l
}

// NotYetValid returns l as a certificate that begins in an hour.
func NotYetValid(l Leaf) Leaf {
	l.NotBefore, l.NotAfter = time.Now().Add(time.Hour), time.Time{}
	return l
}

const defaultLife = 90 * 24 * time.Hour

// Issue makes a certificate that a TLS server or client can use as it is. Its Leaf field
// is set, and its Certificate field holds the chain as the peer will send it.
func (a *Authority) Issue(l Leaf) tls.Certificate {
	key, ok := l.PrivateKey.(crypto.Signer)
	if !ok {
		key = newKey(l.Key)
	}
	template := l.template()
	signer := a.issuer
	switch {
	case l.SelfSigned:
		signer = issuer{template, key}
	case l.Intermediate != NoIntermediate:
		signer = a.intermediate(ECDSA, l.ChangeIntermediate)
		// Where public authorities say that the intermediate can be fetched, RFC 5280
		// section 4.2.2.1. Nothing answers there.
		template.IssuingCertificateURL = []string{"http://ca.example/intermediate.crt"}
	}
	if l.SHA1 {
		template.SignatureAlgorithm = sha1For(signer.key)
	}
	if l.Change != nil {
		l.Change(template)
	}
	leaf := sign(template, signer.cert, key.Public(), signer.key)
	chain := [][]byte{leaf.Raw}
	if l.Intermediate == Sent && !l.SelfSigned {
		chain = append(chain, signer.cert.Raw)
	}
	return tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}
}

func (l Leaf) template() *x509.Certificate {
	names, ips := l.Names, l.IPs
	if len(names) == 0 && len(ips) == 0 {
		names, ips = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	var common string
	if len(names) > 0 {
		common = names[0]
	} else {
		common = ips[0].String()
	}
	notBefore := l.NotBefore
	if notBefore.IsZero() {
		notBefore = time.Now().Add(-time.Hour)
	}
	notAfter := l.NotAfter
	if notAfter.IsZero() {
		notAfter = notBefore.Add(defaultLife)
	}
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: common},
		DNSNames:    names,
		IPAddresses: ips,
		NotBefore:   notBefore.Truncate(time.Second),
		NotAfter:    notAfter.Truncate(time.Second),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

// WriteFiles writes the chain and the key of a certificate as PEM files, the form that
// mail servers and client certificates use. The key file is readable by its owner only.
func WriteFiles(certificate tls.Certificate, certFile, keyFile string) error {
	var chain bytes.Buffer
	for _, der := range certificate.Certificate {
		chain.Write(certificatePEM(der))
	}
	der, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		return fmt.Errorf("encoding private key: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	err = os.WriteFile(certFile, chain.Bytes(), 0o644)
	if err = cmp.Or(err, os.WriteFile(keyFile, key, 0o600)); err != nil {
		return fmt.Errorf("writing certificate: %w", err)
	}
	return nil
}

func newKey(kind Key) crypto.Signer {
	var key crypto.Signer
	var err error
	switch kind {
	case ECDSA:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA2048:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case RSA1024:
		key, err = rsa.GenerateKey(rand.Reader, 1024)
	default:
		err = fmt.Errorf("no such kind of key: %d", kind)
	}
	if err != nil {
		panic(fmt.Sprintf("ca: making a key: %v", err))
	}
	return key
}

func sha1For(key crypto.Signer) x509.SignatureAlgorithm {
	if _, ok := key.(*rsa.PrivateKey); ok {
		return x509.SHA1WithRSA
	}
	return x509.ECDSAWithSHA1
}
