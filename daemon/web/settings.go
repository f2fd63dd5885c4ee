package web

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// settings are what a configuration says of the server.
type settings struct {
	config  *config.Config
	address string // empty: the server is switched off
	written bool   // the address, in the files or on the command line
	tls     *tls.Config
	hosts   map[string]bool // names that are ours, beside localhost
	origins *http.CrossOriginProtection
	unfit   error // why the page must not be served at the address; nil: it may
}

// An unfitError says, in sentences, why a page must not be served where it should be.
type unfitError string

func (e unfitError) Error() string { return string(e) }

func (s *Server) settingsOf(cfg *config.Config) (*settings, error) {
	found := &settings{config: cfg, address: cfg.Daemon.Listen, written: !cfg.Daemon.ListenPos.IsZero()}
	// What cannot be used of the files may be who may log in: no page is served then, whatever
	// the command line says.
	if s.options.Listen != nil && (found.address != "" || !cfg.Incomplete) {
		found.address, found.written = *s.options.Listen, true
	}
	// The files are in order where they say the address; the command line may say another one.
	if why := cfg.Page.Unfit(found.address); why != "" {
		found.unfit = unfitError(why)
	}
	found.nameHosts(cfg.Daemon.PublicURL)
	if cfg.Page.Cert.IsZero() {
		return found, nil
	}
	pair, err := tls.X509KeyPair([]byte(cfg.Page.Cert.Text()), []byte(cfg.Page.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("the certificate of the status page: %w", err)
	}
	found.tls = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"},
	}
	return found, nil
}

// nameHosts notes which hosts and origins are ours.
func (s *settings) nameHosts(publicURL string) {
	s.hosts, s.origins = map[string]bool{}, http.NewCrossOriginProtection()
	// Whoever has the link may press its button, from where they are: the app of ntfy does in a
	// browser. No cookie or password of the browser counts there.
	s.origins.AddInsecureBypassPattern("POST /a/{token}")
	if host, _, err := net.SplitHostPort(s.address); err == nil && host != "" {
		s.hosts[strings.ToLower(host)] = true
	}
	public, err := url.Parse(publicURL)
	if err != nil || public.Host == "" {
		return
	}
	s.hosts[strings.ToLower(public.Hostname())] = true
	// It cannot fail: scheme and host are there, and nothing else.
	_ = s.origins.AddTrustedOrigin(public.Scheme + "://" + public.Host)
}
