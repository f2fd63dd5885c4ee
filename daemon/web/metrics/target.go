package metrics

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A refusal says why a target is not probed, and with which status of HTTP.
type refusal struct {
	status int
	words  string
}

func (r *refusal) Error() string { return r.words }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// modules are the values of the parameter module, as blackbox_exporter has modules.
var modules = map[string]struct {
	security config.Security
	port     uint16
}{
	"imaps":         {config.TLSFromStart, 993},
	"imap_starttls": {config.StartTLS, 143},
}

// targetOf finds what a request is to probe: a check by its id, or one that is declared for the
// host and port. Nothing else is probed, so that nobody can have this machine knock at any door;
// only a token may where the page block says probe_any.
func targetOf(s *tracker.Snapshot, who *api.Visitor, target, module string) (*config.Check, error) {
	wanted, known := modules[module]
	switch {
	case target == "":
		return nil, refuse(http.StatusBadRequest, "The parameter target is missing: a check, or host:port.")
	case module != "" && !known:
		return nil, refuse(http.StatusBadRequest, "The module is imaps or imap_starttls.")
	}
	fits := func(c *config.Check) bool {
		return c.Enabled && who.Sees(c) && (module == "" || c.Probe.Security == wanted.security)
	}
	if c, ok := s.Check(config.CheckID(target)); ok && who.Sees(c.Check) {
		if !fits(c.Check) {
			return nil, refuse(http.StatusBadRequest, "The check %s is paused, or not of the module %s.", c.ID, module)
		}
		return c.Check, nil
	}
	host, port, err := splitTarget(target, cmp.Or(wanted.port, modules["imaps"].port))
	if err != nil {
		return nil, refuse(http.StatusNotFound, "The target is no check, and not host:port.")
	}
	for c := range s.Checks() {
		if c.Probe.Port == port && strings.EqualFold(c.Probe.Hostname, host) && fits(c.Check) {
			return c.Check, nil
		}
	}
	if !s.Config.Page.ProbeAny || !who.Token || who.Groups != nil {
		return nil, refuse(http.StatusNotFound, "No check is declared for this target. Only where the page block says probe_any, a program with a token may probe others.")
	}
	return undeclared(host, port, cmp.Or(wanted.security, config.TLSFromStart)), nil
}

// splitTarget splits host:port; without a port it is the usual one.
func splitTarget(target string, usual uint16) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(target)
	if err != nil {
		host, text = target, strconv.Itoa(int(usual))
	}
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err != nil:
		return "", 0, err
	case n == 0 || !isHost(host):
		return "", 0, errors.New("not host:port")
	}
	return host, uint16(n), nil
}

// isHost reports whether a text can be an address, or a name, be it international. Whether there is
// one DNS knows.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	strange := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune(".-_", r)
	}
	return text != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, strange)
}

// undeclared returns a check of something that no file names.
func undeclared(host string, port uint16, security config.Security) *config.Check {
	target := net.JoinHostPort(host, strconv.Itoa(int(port)))
	return &config.Check{
		// No file can have a check of that name, so that no other is taken for it.
		ID: config.CheckID("probe " + target), Label: target, Enabled: true,
		Probe: config.Probe{Hostname: host, Port: port, Security: security, Addresses: config.AllAddresses, Interval: time.Minute, Timeout: longestProbe},
	}
}

// The time that Prometheus leaves for a scrape is the probe's, but for what the answer takes.
const (
	longestProbe  = 30 * time.Second
	scrapeOffset  = 500 * time.Millisecond
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
)

// timeoutOf returns how long a probe may take, and how much longer the request may wait for one of
// the places in which checks are probed.
func timeoutOf(r *http.Request, check *config.Check) (probe, request time.Duration) {
	own := cmp.Or(check.Probe.Timeout, longestProbe)
	seconds, err := strconv.ParseFloat(r.Header.Get(timeoutHeader), 64)
	if err != nil || !(seconds > 0 && seconds <= time.Hour.Seconds()) { // NaN is neither
		return own, own + longestProbe
	}
	scrape := time.Duration(seconds * float64(time.Second))
	// Of a very short time half is left.
	probe = max(scrape-scrapeOffset, scrape/2)
	return min(own, probe), probe + (scrape-probe)*4/5
}
