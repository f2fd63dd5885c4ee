package web

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// certified returns a configuration with a certificate for localhost that the authority has
// issued.
func certified(t *testing.T, authority *ca.Authority, listen string) *config.Config {
	t.Helper()
	certificate, key := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	err := ca.WriteFiles(authority.Issue(ca.Leaf{Names: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}), certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	cfg := listenAt(listen)
	cfg.Page.Cert, cfg.Page.Key = config.NewBlob(read(certificate)), opaque.NewSecret(read(key))
	return cfg
}

// A reload puts TLS, a renewed certificate or no TLS into force for the next connection, at the
// same address and without closing it.
func TestCertificateIsRenewed(t *testing.T) {
	authority := ca.New()
	s := newStage(t, Options{})
	port := freePort(t)
	serial := func() string {
		t.Helper()
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(authority.PEM())
		client := &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, DisableKeepAlives: true,
		}}
		response, err := client.Get("https://localhost:" + port + "/anybody")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.Proto != "HTTP/2.0" || response.StatusCode != http.StatusOK {
			t.Errorf("%s %s", response.Proto, response.Status)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.String()
	}
	s.use(certified(t, authority, "127.0.0.1:"+port))
	first := serial()
	s.use(certified(t, authority, "127.0.0.1:"+port))
	if first == serial() {
		t.Error("the certificate is still the first")
	}
	if a := s.ask("GET", "/anybody", ""); a.status != 400 || !strings.Contains(a.body, "HTTPS") {
		t.Errorf("without TLS: %+v", a)
	}
	s.use(listenAt("127.0.0.1:" + port))
	s.isOK("without a certificate", "127.0.0.1:"+port)
	broken := certified(t, authority, "127.0.0.1:"+port)
	broken.Page.Key = opaque.NewSecret("no key")
	if err := s.reload(broken); err == nil || strings.Contains(err.Error(), "no key") {
		t.Errorf("a key that fits nothing: %v", err)
	}
	s.isOK("after a reload that was refused", "127.0.0.1:"+port)
}
