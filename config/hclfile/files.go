package hclfile

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path/filepath"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// certificateFile names a file of certificates in PEM; its value is the text.
var certificateFile = kind{name: "file", read: func(r *reading) (value, bool) {
	c, path, ok := r.open(false)
	if !ok {
		return value{}, false
	}
	text := c.text.Reveal()
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return r.wrong(rulePEM, "%s", about(path, "does not begin with a certificate in PEM: -----BEGIN CERTIFICATE-----").says(r.shown()))
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return r.wrong(rulePEM, "%s", about(path, fmt.Sprintf("has a certificate that cannot be read: %s.", err)).says(r.shown()))
	}
	return value{text: text}, true
}}

// keyFile names the file of a private key; its value is a secret.
var keyFile = kind{name: "file", read: func(r *reading) (value, bool) {
	if r.l.snapshot.options.NoCredentials {
		return value{secret: opaque.NewSecret(unreadSecret)}, true
	}
	c, path, ok := r.open(true)
	switch {
	case !ok:
		return value{}, false
	case c.public:
		return r.wrong(rulePublic, "%s", c.readable(path).says(r.shown()))
	}
	r.l.keepSecret(c.text.Reveal())
	return value{secret: c.text}, true
}}

// unkeptFile names a file; its value is the text, which is not saved with a
// Snapshot.
var unkeptFile = kind{name: "file", read: func(r *reading) (value, bool) {
	c, _, ok := r.open(true)
	return value{text: c.text.Reveal()}, ok
}}

// open reads the file that an attribute names.
func (r *reading) open(secret bool) (content, string, bool) {
	v, ok := readText(r)
	if !ok {
		return content{}, "", false
	}
	path := from(filepath.Dir(r.expr.Range().Filename), v.text)
	c := r.l.snapshot.open(path, secret)
	if c.refused != (complaint{}) {
		r.wrong(ruleNamedFile, "%s", c.refused.says(r.shown()))
		return c, path, false
	}
	return c, path, true
}
