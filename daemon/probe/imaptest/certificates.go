package imaptest

import (
	"crypto/tls"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// Certificates are what a script's tls step can show, by name: good, expired,
// not-yet-valid, self-signed, wrong-name, intermediate, withheld (the same
// without its intermediate), sha1, rsa1024, expiring (in 10 of 90 days),
// critical (in 2 days), and whatever was added with Add.
// Each is made when it is first shown.
type Certificates struct {
	Authority *ca.Authority

	mu   sync.Mutex
	made map[string]tls.Certificate
}

// NewCertificates makes a set with an authority of its own.
func NewCertificates() *Certificates {
	return &Certificates{Authority: ca.New(), made: map[string]tls.Certificate{}}
}

var leaves = map[string]func() ca.Leaf{
	"good":          func() ca.Leaf { return ca.Leaf{} },
	"expired":       func() ca.Leaf { return ca.Expired(ca.Leaf{}) },
	"not-yet-valid": func() ca.Leaf { return ca.NotYetValid(ca.Leaf{}) },
	"self-signed":   func() ca.Leaf { return ca.Leaf{SelfSigned: true} },
	"wrong-name":    func() ca.Leaf { return ca.Leaf{Names: []string{"mx9.example.org", "mail.example.org"}} },
	"intermediate":  func() ca.Leaf { return ca.Leaf{Intermediate: ca.Sent} },
	"withheld":      func() ca.Leaf { return ca.Leaf{Intermediate: ca.Withheld} },
	"sha1":          func() ca.Leaf { return ca.Leaf{SHA1: true} },
	"rsa1024":       func() ca.Leaf { return ca.Leaf{Key: ca.RSA1024} },
	"expiring":      func() ca.Leaf { return endsIn(10 * aDay) },
	"critical":      func() ca.Leaf { return endsIn(2 * aDay) },
}

const aDay = 24 * time.Hour

// endsIn returns a certificate of 90 days that has this long to go. Half a minute more keeps the
// days from changing while a test looks.
func endsIn(left time.Duration) ca.Leaf {
	end := time.Now().Add(left + 30*time.Second)
	return ca.Leaf{NotBefore: end.Add(-90 * aDay), NotAfter: end}
}

// Add names a certificate of one's own, or replaces one.
func (c *Certificates) Add(name string, certificate tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[name] = certificate
}

// Get returns the certificate of a name; an error says that there is none.
func (c *Certificates) Get(name string) (tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made, ok := c.made[name]; ok {
		return made, nil
	}
	leaf, ok := leaves[name]
	if !ok {
		return tls.Certificate{}, fmt.Errorf("no certificate is called %q", name)
	}
	c.made[name] = c.Authority.Issue(leaf())
	return c.made[name], nil
}

var versions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// config returns the server's side of a tls step.
func (c *Certificates) config(s step) (*tls.Config, error) {
	name := "good"
	// A script may ask for max=1.0. Without tickets every handshake is a whole one, which shows the
	// certificate.
	config := &tls.Config{MinVersion: tls.VersionTLS10, SessionTicketsDisabled: true}
	for _, word := range s.words {
		switch {
		case strings.HasPrefix(word, "max="):
			config.MaxVersion = versions[strings.TrimPrefix(word, "max=")]
		case word == "client-cert":
			config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, c.Authority.Pool()
		case word == "ask-cert":
			config.ClientAuth, config.ClientCAs = tls.RequestClientCert, c.Authority.Pool()
		default:
			name = word
		}
	}
	certificate, err := c.Get(name)
	config.Certificates = []tls.Certificate{certificate}
	return config, err
}
