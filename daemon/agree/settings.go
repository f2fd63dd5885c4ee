package agree

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// Settings identifies what a check says of its probes, without its secrets. Nodes that have the same
// files have the same number, also when they run different versions: what is not set does not count,
// so that an attribute which only one version knows makes no difference where nobody uses it.
func Settings(c *config.Check) uint64 {
	s := settings{text: make([]byte, 0, 256)}
	p := &c.Probe
	s.add("hostname", p.Hostname)
	s.number("port", int64(p.Port))
	s.add("security", string(p.Security))
	s.add("addresses", string(p.Addresses))
	s.add("proxy_protocol", string(p.ProxyProtocol))
	s.time("interval", p.Interval)
	s.time("timeout", p.Timeout)
	s.time("retry_interval", p.RetryInterval)
	s.add("expect_greeting", p.ExpectGreeting)
	s.add("require_capabilities", p.RequireCapabilities)
	s.add("tls.server_name", p.TLS.ServerName)
	s.add("tls.ca_file", p.TLS.CA.String()) // its hash
	s.add("tls.pin_sha256", p.TLS.PinSHA256)
	s.number("tls.min_version", int64(p.TLS.MinVersion))
	s.time("tls.expiry_warning", p.TLS.ExpiryWarning)
	s.time("tls.expiry_critical", p.TLS.ExpiryCritical)
	s.add("tls.cert_file", p.TLS.Cert.String())
	s.add("login.username", p.Login.Username)
	s.add("login.mechanism", p.Login.Mechanism)
	s.add("login.mailbox", p.Login.Mailbox)
	s.time("login.every", p.Login.Every)
	s.add("login.token_url", p.Login.TokenURL)
	s.add("login.client_id", p.Login.ClientID)
	s.add("login.scopes", p.Login.Scopes)
	for phase := range config.TimedPhases() {
		s.time("thresholds."+phase.TimeKey(), p.Thresholds[phase])
	}
	sum := sha256.Sum256(s.text)
	return binary.BigEndian.Uint64(sum[:])
}

// settings are the attributes that are set, each with its length before it.
type settings struct{ text []byte }

func (s *settings) add(name, value string) {
	if value == "" {
		return
	}
	for _, word := range []string{name, value} {
		s.text = binary.AppendUvarint(s.text, uint64(len(word)))
		s.text = append(s.text, word...)
	}
}

func (s *settings) number(name string, n int64) {
	if n != 0 {
		s.add(name, strconv.FormatInt(n, 10))
	}
}

func (s *settings) time(name string, d time.Duration) { s.number(name, int64(d)) }
