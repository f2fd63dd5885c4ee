//go:build !quick

package bus_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// A node knows when the certificate ends that its server shows, by TLS and by WebSocket, and its own.
func TestWhenCertificatesEndIsKnown(t *testing.T) {
	t.Parallel()
	setup := one()
	setup.Ends, setup.Verify, setup.Users = time.Now().AddDate(0, 0, 10).Truncate(time.Second), true, "# anybody with a certificate\n"
	s := bustest.Start(t, setup)
	o := s.Options(t, bustest.Decider)
	cert, key := s.Certificate(t)
	block, _ := pem.Decode(cert)
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	o.Key, o.Cert, o.CertKey = opaque.Secret{}, cert, opaque.NewSecret(string(key))
	for _, url := range []string{s.URL(0), s.WebsocketURL(0)} {
		o.Servers = []string{url}
		_, host, _ := strings.Cut(url, "://")
		want := []bus.Certificate{{Of: "the NATS server " + host, Ends: setup.Ends}, {Of: "the node " + bustest.Decider, Own: true, Ends: own.NotAfter}}
		got := connected(t, o).Certificates()
		if len(got) != 2 || got[0].Of != want[0].Of || !got[0].Ends.Equal(want[0].Ends) || got[1].Of != want[1].Of || !got[1].Own || !got[1].Ends.Equal(want[1].Ends) {
			t.Errorf("%s: %+v, not %+v", url, got, want)
		}
	}
}
