package bus

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// certificateLook is how often it is looked which certificates the servers show. One that was renewed is shown to new
// connections only.
const certificateLook = time.Hour

// firstLook is how long after the start it is looked first: by then the node is connected.
const firstLook = time.Minute

// A Certificate is one without which this node does not reach the bus.
type Certificate struct {
	Of   string // whose it is, in words that follow "the certificate of"
	Own  bool   // it is that of this node, and not of a server or of its authority
	Ends time.Time
}

// certificates are those that were seen last.
type certificates map[server]Certificate

// tlsFor returns how to speak TLS to a server, which notes the certificates that it shows.
func (c *client) tlsFor(s server) *tls.Config {
	config := c.access.tls.Clone()
	config.VerifyConnection = func(state tls.ConnectionState) error {
		c.noteCertificates(s, state.VerifiedChains)
		return nil
	}
	return config
}

// noteCertificates notes when the certificate of a server ends, or its authority, if that is sooner. Of several chains
// that lead to an authority one is enough.
func (c *client) noteCertificates(s server, chains [][]*x509.Certificate) {
	var latest Certificate
	for _, chain := range chains {
		if first := firstToEnd(s, chain); first.Ends.After(latest.Ends) {
			latest = first
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !latest.Ends.IsZero() {
		c.certificates[s] = latest
	}
}

// firstToEnd returns that of a chain which ends first.
func firstToEnd(s server, chain []*x509.Certificate) (first Certificate) {
	for i, one := range chain {
		if i > 0 && !one.NotAfter.Before(first.Ends) {
			continue
		}
		first = Certificate{Of: "the NATS server " + s.host, Ends: one.NotAfter}
		if i > 0 {
			first.Of = "the authority that has signed for " + first.Of
		}
	}
	return first
}

// Certificates implements Bus.
func (c *client) Certificates() []Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Certificate
	for _, s := range c.access.servers {
		if seen, known := c.certificates[s]; known {
			list = append(list, seen)
		}
	}
	for _, own := range c.access.tls.Certificates {
		if own.Leaf != nil {
			list = append(list, Certificate{Of: "the node " + c.options.Node, Own: true, Ends: own.Leaf.NotAfter})
		}
	}
	slices.SortStableFunc(list, func(a, b Certificate) int { return a.Ends.Compare(b.Ends) })
	return list
}

// watchCertificates connects to each server now and then, also to those that this node does not use, and looks at
// what they show.
func (c *client) watchCertificates() {
	for c.pause(firstLook); c.ctx.Err() == nil; c.pause(certificateLook) {
		for _, s := range c.access.servers {
			if s.tls {
				c.lookAtCertificate(s)
			}
		}
	}
}

// lookAtCertificate connects to a server and leaves it again.
func (c *client) lookAtCertificate(s server) {
	options := []nats.Option{
		nats.Name("imapvigil " + c.options.Node + ", looks at the certificate"), nats.NoReconnect(),
		nats.Timeout(dialTimeout),
		nats.SetCustomDialer(&dialer{ctx: c.ctx}), nats.SkipHostLookup(), nats.Secure(c.tlsFor(s)),
	}
	if conn, err := nats.Connect(s.url, append(options, c.access.login...)...); err == nil {
		conn.Close()
	}
}
