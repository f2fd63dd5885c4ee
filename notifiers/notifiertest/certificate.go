package notifiertest

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"testing"
)

// Certificate gives a server's certificate for 127.0.0.1 and ::1, and the PEM of
// the authority that a client has to trust. It is the one that net/http/httptest
// brings.
func Certificate(t testing.TB) (server *tls.Config, ca string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}
	return &tls.Config{Certificates: s.TLS.Certificates}, string(pem.EncodeToMemory(block))
}
