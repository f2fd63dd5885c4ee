// Package ca is a throw-away certificate authority for test servers and for the demo.
//
// It owns one root certificate, made in memory by New, and issues what an IMAP server
// may show to a probe: a good certificate, or one that is expired, not valid yet,
// self-signed, too weak, or sent without its intermediate.
//
// It never stores anything by itself: keys live in memory until a caller writes them
// with WriteFile or WriteFiles. It imports the standard library only, and not testing,
// since the demo links it.
//
// A caller may rely on this: a Leaf with its zero value is one that every client that
// trusts Pool accepts for localhost, 127.0.0.1 and ::1. New and Issue panic instead of
// returning an error: what could fail is a mistake in the caller's Leaf, never the
// machine, and a certificate that could not be made leaves a test nothing to go on with.
package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"time"
)

// Authority is a root certificate with its key. Its methods may be called by several
// goroutines at once.
type Authority struct {
	issuer
}

// issuer signs certificates: a root, or an intermediate below one.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// The validity of roots and intermediates spans every clock a test may pretend to have,
// that of a testing/synctest bubble (midnight UTC 2000-01-01) included.
var (
	rootNotBefore = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	rootNotAfter  = time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC)
)

// New makes an authority with an ECDSA P-256 key.
func New() *Authority { return NewWith(ECDSA, nil) }

// NewWith makes an authority with a kind of key. change, unless it is nil, has the
// last word on what is in its certificate: name, dates, rights.
func NewWith(kind Key, change func(*x509.Certificate)) *Authority {
	key := newKey(kind)
	template := authorityTemplate("imapvigil throw-away root")
	if change != nil {
		change(template)
	}
	return &Authority{issuer{sign(template, template, key.Public(), key), key}}
}

// Under makes an intermediate authority whose certificate a signs. change is as for
// NewWith.
func (a *Authority) Under(kind Key, change func(*x509.Certificate)) *Authority {
	return &Authority{a.intermediate(kind, change)}
}

// Cross makes a second certificate for the name and key of another authority, signed by
// a. change is as for NewWith.
func (a *Authority) Cross(other *Authority, change func(*x509.Certificate)) *x509.Certificate {
	template := authorityTemplate("")
	// Since name and key are the same, what the other authority issued fits both certificates.
	template.Subject = other.cert.Subject
	if change != nil {
		change(template)
	}
	return sign(template, a.cert, other.key.Public(), a.key)
}

// Renamed returns an authority with the key of a under another name.
func (a *Authority) Renamed(name string) *Authority {
	template := authorityTemplate(name)
	return &Authority{issuer{sign(template, template, a.key.Public(), a.key), a.key}}
}

// Bare returns a as an authority whose certificates do not name its key (RFC 5280 section
// 4.2.1.1), as small tools make them.
func (a *Authority) Bare() *Authority {
	bare := *a.cert
	// x509.CreateCertificate copies this field of the parent into the new certificate.
	bare.SubjectKeyId = nil
	return &Authority{issuer{&bare, a.key}}
}

// Certificate returns the root certificate itself. The caller must not change it.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Pool returns a new pool that holds the root certificate alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// PEM returns the root certificate as a file named by ca_file would hold it.
func (a *Authority) PEM() []byte { return certificatePEM(a.cert.Raw) }

// WriteFile writes PEM to path, readable by everybody.
func (a *Authority) WriteFile(path string) error {
	if err := os.WriteFile(path, a.PEM(), 0o644); err != nil {
		return fmt.Errorf("writing root certificate: %w", err)
	}
	return nil
}

func (i issuer) intermediate(kind Key, change func(*x509.Certificate)) issuer {
	key := newKey(kind)
	template := authorityTemplate("imapvigil throw-away intermediate")
	if change != nil {
		change(template)
	}
	return issuer{sign(template, i.cert, key.Public(), i.key), key}
}

func authorityTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             rootNotBefore,
		NotAfter:              rootNotAfter,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// sign completes template with a random serial number (RFC 5280 section 4.1.2.2).
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(fmt.Sprintf("ca: choosing a serial number: %v", err))
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		panic(fmt.Sprintf("ca: signing %q: %v", template.Subject.CommonName, err))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(fmt.Sprintf("ca: reading back %q: %v", template.Subject.CommonName, err))
	}
	return cert
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
