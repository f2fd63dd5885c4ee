// Package certfile reads files of certificates and keys in PEM (RFC 7468).
//
// It owns what can be in such a file, what is wrong with one that cannot be used, in
// words for people, and the pools of authorities that crypto/tls verifies with. It
// opens no file: it is given the text. A key never stands in what it says.
package certfile

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// errNoCertificate is about the text of a ca_file, the only one that pools are made of.
var errNoCertificate = errors.New("ca_file holds no certificate in PEM form")

// Pool returns the authorities in a ca_file, nil for an empty text: those of the
// system. Blocks that Go cannot read are left out; that all are is an error.
func Pool(text string) (*x509.CertPool, error) {
	if text == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, errNoCertificate
	}
	return pool, nil
}

// Certificates returns the certificates in a file, without those that Go cannot read.
func Certificates(text string) (certs []*x509.Certificate) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return certs
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			certs = append(certs, cert)
		}
	}
}

// PrivateKey returns the private key in a file, in PEM, or, as the end of a sentence,
// why there is none that can be used.
func PrivateKey(text string) (key, why string) {
	blocks := Read(text)
	if len(blocks) == 0 {
		return "", WhyNone(text, "private key", "pkey")
	}
	for _, b := range blocks {
		if !strings.HasSuffix(b.Label, "PRIVATE KEY") {
			continue
		}
		switch {
		// First, since b.PEM is nil where this is set.
		case b.Wrong != "":
			return "", fmt.Sprintf("has a private key in line %d that %s", b.Line, b.Wrong)
		// PKCS #8 says it in the label (RFC 7468 section 11), the older form in a header
		// (RFC 1421 section 4.6.1.3).
		case b.Label == "ENCRYPTED PRIVATE KEY" || b.PEM.Headers["DEK-Info"] != "":
			return "", "has a private key that is protected by a passphrase, and nobody is there to enter it. Take the passphrase away:\n    openssl pkey -in FILE -out FILE.new\nand make the new file readable by the daemon alone"
		}
		return string(pem.EncodeToMemory(b.PEM)), ""
	}
	if blocks[0].Label == "CERTIFICATE" {
		return "", "has a certificate and no private key. Perhaps cert_file and key_file are swapped"
	}
	return "", "holds no private key in PEM"
}
