package metrics

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The families of /probe have the names and the meaning that blackbox_exporter gives them, so that
// its dashboards and rules fit. A label has no word of a server: of the certificate there is the
// fingerprint alone.
var (
	probeSuccess     = family{"probe_success", false, "Whether the service worked: 1, or 0."}
	probeDuration    = family{"probe_duration_seconds", false, "How long the probe took."}
	probeTimeout     = family{"probe_timeout_seconds", false, "How long the probe could take."}
	probeIPProtocol  = family{"probe_ip_protocol", false, "4 or 6, of the first address that failed, or of the first one; 0: there is none."}
	probeAddressHash = family{"probe_ip_addr_hash", false, "A number that changes with that address."}
	probeLookup      = family{"probe_dns_lookup_time_seconds", false, "How long looking up the name took."}
	probeEarliest    = family{"probe_ssl_earliest_cert_expiry", false, "When the first of the certificates ends, in seconds since 1970."}
	probeLastChain   = family{"probe_ssl_last_chain_expiry_timestamp_seconds", false, "When the last of the certificates ends, in seconds since 1970."}
	probeChainInfo   = family{"probe_ssl_last_chain_info", false, "The certificate of that address; always 1."}
	probeTLSVersion  = family{"probe_tls_version_info", false, "The version of TLS; always 1."}
	probeTLSCipher   = family{"probe_tls_cipher_info", false, "The cipher suite; always 1."}
	probeIMAP        = family{"probe_imap_duration_seconds", false, "How long each phase took, at the slowest address that reached it."}
)

// A prober answers /probe: one fresh probe, which counts nowhere.
type prober struct {
	daemon api.Daemon
	turns  turns
}

func (p *prober) serveProbe(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), snapshotTime)
	defer cancel()
	snapshot, err := p.daemon.Snapshot(ctx)
	if err != nil || snapshot.Config == nil {
		http.Error(w, "The daemon does not answer.", http.StatusServiceUnavailable)
		return
	}
	who, query := api.VisitorOf(r.Context()), r.URL.Query()
	debug := query.Get("debug") == "true"
	if debug && !who.May(api.See) {
		http.Error(w, "You may not see what servers say: debug needs the right to read.", http.StatusForbidden)
		return
	}
	check, err := targetOf(snapshot, who, query.Get("target"), query.Get("module"))
	if no, refused := errors.AsType[*refusal](err); refused {
		http.Error(w, no.words, no.status)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	timeout, whole := timeoutOf(r, check)
	// The listener gives each answer only so long. A recorder of a test has no deadline.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(whole + time.Minute))
	ctx, cancel = context.WithTimeoutCause(r.Context(), whole, errors.New("no result in time"))
	defer cancel()
	done, lines, err := p.probe(ctx, check, timeout, debug)
	switch {
	case debug:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_ = writeDebug(w, done, lines, err)
	case err != nil:
		// Not probe_success 0: a fault of this machine is none of the server.
		http.Error(w, "This could not be probed: "+err.Error(), http.StatusServiceUnavailable)
	default:
		format := expfmt.NegotiateAccept(r.Header, formats...)
		w.Header().Set("Content-Type", string(format))
		w.Header().Add("Vary", "Accept")
		_ = done.write(w, format) // an error is that of a client who has gone
	}
}

// A probed target is what a probe found.
type probed struct {
	incident.Result
	took, timeout time.Duration
}

var errNoVerdict = errors.New("this machine cannot judge the service just now")

// probe probes a check, at most one at a time of each target. It takes the places and the turns of
// the probes that count, and logs in only where each of those does, too.
func (p *prober) probe(ctx context.Context, check *config.Check, timeout time.Duration, debug bool) (done probed, lines []api.Line, err error) {
	leave, err := p.turns.enter(ctx, check.ID)
	if err != nil {
		return done, nil, err
	}
	defer leave()
	once := *check
	once.Probe.Timeout = timeout
	if once.Probe.Login.Every > 0 {
		once.Probe.Login = config.Login{}
	}
	var o api.TestOptions
	var mu sync.Mutex
	if debug {
		o.OnLine = func(l api.Line) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, l)
		}
	}
	began := time.Now()
	result, err := p.daemon.Test(ctx, &once, o)
	done = probed{result, time.Since(began), timeout}
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case err == nil && !result.Observed.Has(config.ConditionService):
		err = errNoVerdict
	}
	mu.Lock()
	defer mu.Unlock()
	return done, lines, err
}

// write writes the series of a probe.
func (d *probed) write(to io.Writer, format expfmt.Format) error {
	encoder := expfmt.NewEncoder(to, format)
	w := newWriter(to, format, encoder)
	write := func(f *family, v float64) {
		w.family(f)
		w.value(v)
	}
	write(&probeSuccess, oneIf(d.Health() != incident.Down))
	write(&probeDuration, d.took.Seconds())
	write(&probeTimeout, d.timeout.Seconds())
	main := d.address()
	write(&probeIPProtocol, protocolOf(main))
	write(&probeAddressHash, hashOf(main))
	write(&probeLookup, d.longest(config.PhaseDNS).Seconds())
	d.writeTLS(w, main)
	w.family(&probeIMAP)
	for p := range config.TimedPhases() {
		if took := d.longest(p); took > 0 {
			w.label("phase", p.TimeKey())
			w.value(took.Seconds())
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if closer, ok := encoder.(expfmt.Closer); ok {
		return closer.Close()
	}
	return nil
}

// writeTLS writes what is known of TLS, if any address came that far.
func (d *probed) writeTLS(w *writer, main *incident.Address) {
	var first, last time.Time
	for i := range d.Addresses {
		if t := d.Addresses[i].TLS; t != nil {
			if first.IsZero() || t.NotAfter.Before(first) {
				first = t.NotAfter
			}
			if t.NotAfter.After(last) {
				last = t.NotAfter
			}
		}
	}
	if last.IsZero() {
		return
	}
	w.family(&probeEarliest)
	w.value(float64(first.Unix()))
	w.family(&probeLastChain)
	w.value(float64(last.Unix()))
	if main.TLS == nil {
		return
	}
	for _, info := range []struct {
		family      *family
		label, word string
	}{
		{&probeChainInfo, "fingerprint_sha256", main.TLS.SHA256},
		{&probeTLSVersion, "version", main.TLS.Version},
		{&probeTLSCipher, "cipher", main.TLS.Cipher},
	} {
		if info.word != "" { // else the handshake did not end
			w.family(info.family)
			w.label(info.label, info.word)
			w.value(1)
		}
	}
}

// longest returns how long a phase took at the slowest address that reached it.
func (d *probed) longest(p config.Phase) (longest time.Duration) {
	for i := range d.Addresses {
		longest = max(longest, d.Addresses[i].Timings[p])
	}
	return longest
}

// address returns the first address that failed, or else the first one; nil: there is none.
func (d *probed) address() (first *incident.Address) {
	for i := range d.Addresses {
		a := &d.Addresses[i]
		if a.Health == incident.Down {
			return a
		}
		if first == nil {
			first = a
		}
	}
	return first
}

func protocolOf(a *incident.Address) float64 {
	switch {
	case a == nil || !a.IP.IsValid():
		return 0
	case a.IP.Unmap().Is4():
		return 4
	}
	return 6
}

// hashOf returns the hash of an address that blackbox_exporter makes.
func hashOf(a *incident.Address) float64 {
	if a == nil || !a.IP.IsValid() {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write(a.IP.Unmap().AsSlice()) // a hash takes everything
	return float64(h.Sum32())
}

// writeDebug writes a probe for people: the conversations, what came of them, and the series.
func writeDebug(w io.Writer, d probed, lines []api.Line, failed error) error {
	for _, l := range lines {
		if _, err := fmt.Fprintf(w, "%s %9.1f ms  %s: %s\n", l.Address, api.Milliseconds(l.At), l.From, l.Text); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	if failed != nil {
		_, err := fmt.Fprintf(w, "This could not be probed: %s.\n", failed)
		return err
	}
	if _, err := fmt.Fprintf(w, "The service is %s.\n", d.Health()); err != nil {
		return err
	}
	for i := range d.Findings {
		f := &d.Findings[i]
		if _, err := fmt.Fprintf(w, "%s %s: %s\n", f.Phase, f.Cause, f.Hint); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return d.write(w, expfmt.FmtText)
}
