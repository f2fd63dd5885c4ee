package bus

import (
	"crypto/x509"
	"testing"
	"time"
)

// Of a chain that which ends first counts, and of several chains the one that lasts longest.
func TestTheFirstToEndOfTheBestChainCounts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := func(days int) *x509.Certificate { return &x509.Certificate{NotAfter: now.AddDate(0, 0, days)} }
	c := &client{certificates: certificates{}}
	c.access.servers = []server{{host: "a:4222"}, {host: "b:4222"}}
	c.access.tls, _ = (&Options{}).readTLS()
	c.noteCertificates(c.access.servers[0], [][]*x509.Certificate{{in(90), in(5)}, {in(90), in(30), in(900)}})
	c.noteCertificates(c.access.servers[1], [][]*x509.Certificate{{in(20), in(900)}})
	c.noteCertificates(c.access.servers[1], nil) // nothing was shown, so what was shown before counts
	got := c.Certificates()
	if len(got) != 2 || got[0].Of != "the NATS server b:4222" || !got[0].Ends.Equal(in(20).NotAfter) ||
		got[1].Of != "the authority that has signed for the NATS server a:4222" || !got[1].Ends.Equal(in(30).NotAfter) {
		t.Errorf("%+v", got)
	}
}
