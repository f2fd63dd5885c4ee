package metrics_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// probeWorld returns a world in which a probe answers with a result, and notes what was probed.
func probeWorld(t *testing.T, r incident.Result, checks ...*config.Check) (w *world, asked *[]config.Check) {
	w = newWorld(t, checks...)
	asked = &[]config.Check{}
	w.test = func(_ context.Context, c *config.Check, o api.TestOptions) (incident.Result, error) {
		*asked = append(*asked, *c)
		if o.OnLine != nil {
			o.OnLine(api.Line{Address: "192.0.2.1:993", From: "S", Text: opaque.Sanitise("* OK <b>\x1b[31mhi")})
		}
		return r, nil
	}
	return w, asked
}

func TestAProbeAnswersAsBlackboxExporterDoes(t *testing.T) {
	r := good("mx1/imaps", "192.0.2.1", "2001:db8::1")
	r.Addresses[0].TLS = &incident.TLSInfo{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", SHA256: "ab12", NotAfter: time.Unix(1900000000, 0), Subject: "CN=<script>"}
	w, _ := probeWorld(t, r, check("mx1/imaps"))
	f := w.scrape("/probe?target=mx1/imaps&module=imaps", nil)
	for name, want := range map[string][]string{
		"probe_success":                                 {"1"},
		"probe_timeout_seconds":                         {"10"},
		"probe_ip_protocol":                             {"4"},
		"probe_ip_addr_hash":                            {"1969986452"},
		"probe_dns_lookup_time_seconds":                 {"0.001"},
		"probe_ssl_earliest_cert_expiry":                {"1800000000"},
		"probe_ssl_last_chain_expiry_timestamp_seconds": {"1900000000"},
		"probe_ssl_last_chain_info":                     {"fingerprint_sha256=ab12 1"},
		"probe_tls_version_info":                        {"version=TLS 1.3 1"},
		"probe_tls_cipher_info":                         {"cipher=TLS_AES_128_GCM_SHA256 1"},
		"probe_imap_duration_seconds":                   {"phase=dns 0.001", "phase=connect 0.02", "phase=total 0.25"},
	} {
		expect(t, name, series(f[name]), want...)
	}
	if want := readmeTable(t, "probe"); tableOf(f, "probe_") != want {
		t.Errorf("the README has\n%sand there is\n%s", want, tableOf(f, "probe_"))
	}
}

func TestAProbeThatFails(t *testing.T) {
	r := bad("mx1/imaps")
	r.Addresses = slices.Concat(good("", "192.0.2.1").Addresses, []incident.Address{{IP: good("", "2001:db8::1").Addresses[0].IP, Health: incident.Down}})
	w, _ := probeWorld(t, r, check("mx1/imaps"))
	f := w.scrape("/probe?target=mx1/imaps", nil)
	expect(t, "success", series(f["probe_success"]), "0")
	expect(t, "protocol", series(f["probe_ip_protocol"]), "6")
	if f["probe_tls_version_info"] != nil {
		t.Error("TLS of an address that has none")
	}
}

// A fault of this machine is no failure of the server.
func TestAProbeWithoutVerdictHasNoSeries(t *testing.T) {
	w, _ := probeWorld(t, incident.Result{}, check("mx1/imaps"))
	if answer := w.get("/probe?target=mx1/imaps", nil); answer.Code != http.StatusServiceUnavailable || strings.Contains(answer.Body.String(), "probe_success") {
		t.Error(answer.Code)
	}
	w.test = func(context.Context, *config.Check, api.TestOptions) (incident.Result, error) {
		return incident.Result{}, errors.New("no slot")
	}
	if answer := w.get("/probe?target=mx1/imaps", nil); answer.Code != http.StatusServiceUnavailable {
		t.Error(answer.Code)
	}
}

func TestOnlyDeclaredTargetsAreProbed(t *testing.T) {
	tls, start, paused := check("mx1/imaps", "europe"), check("mx1/imap", "europe"), check("mx2/imaps", "asia")
	tls.Probe.Security = config.TLSFromStart
	start.Probe.Security, start.Probe.Port = config.StartTLS, 143
	paused.Probe.Hostname, paused.Enabled = "mx2.example.org", false
	european := &api.Visitor{Rights: []api.Right{api.See, api.Metrics}, Groups: []config.GroupID{"europe"}}
	asian := &api.Visitor{Rights: []api.Right{api.See, api.Metrics}, Groups: []config.GroupID{"asia"}}
	token := &api.Visitor{Rights: []api.Right{api.Metrics}, Token: true}
	anybody := &api.Visitor{Rights: []api.Right{api.Metrics}}
	w, asked := probeWorld(t, good("", "192.0.2.1"), tls, start, paused)
	for _, c := range []struct {
		query    string
		who      *api.Visitor
		probeAny bool
		status   int
		want     string // host, port, security
	}{
		{"target=mx1/imaps", european, false, 200, "mx1.example.org 993 tls"},
		{"target=mx1/imap&module=imap_starttls", nil, false, 200, "mx1.example.org 143 starttls"},
		{"target=MX1.example.org:993", nil, false, 200, "mx1.example.org 993 tls"},
		{"target=mx1.example.org", nil, false, 200, "mx1.example.org 993 tls"},
		{"target=mx1.example.org&module=imap_starttls", nil, false, 200, "mx1.example.org 143 starttls"},
		{"target=mx1.example.org:143&module=imaps", nil, false, 404, ""},
		{"target=mx1/imap&module=imaps", nil, false, 400, ""},
		{"target=mx1/imaps", asian, false, 404, ""},
		{"target=mx1.example.org:993", asian, false, 404, ""},
		{"target=mx2/imaps", nil, false, 400, ""},
		{"target=localhost:22", token, false, 404, ""},
		{"target=localhost:22", anybody, true, 404, ""},
		{"target=other.example.org", token, true, 200, "other.example.org 993 tls"},
		{"target=[2001:db8::1]:143&module=imap_starttls", token, true, 200, "2001:db8::1 143 starttls"},
		{"target=2001:db8::1", token, true, 200, "2001:db8::1 993 tls"},
		{"target=a/b:1", token, true, 404, ""},
		{"target=http://other.example.org/", token, true, 404, ""},
		{"target=host:99999", token, true, 404, ""},
		{"target=", nil, false, 400, ""},
		{"target=mx1/imaps&module=http_2xx", nil, false, 400, ""},
	} {
		w.configure(config.Page{Metrics: config.MetricsFull, ProbeAny: c.probeAny}, tls, start, paused)
		*asked = nil
		answer, got := w.get("/probe?"+c.query, c.who), ""
		for _, one := range *asked {
			got += strings.Join([]string{one.Probe.Hostname, map[uint16]string{993: "993", 143: "143"}[one.Probe.Port], string(one.Probe.Security)}, " ")
		}
		if answer.Code != c.status || got != c.want {
			t.Errorf("%s: %d, probed %q, want %d and %q\n%s", c.query, answer.Code, got, c.status, c.want, answer.Body.String())
		}
	}
}

// What Prometheus leaves is the time of the probe, never more than the check's own.
func TestTheScrapeSaysHowLongAProbeMayTake(t *testing.T) {
	w, asked := probeWorld(t, good("", "192.0.2.1"), check("mx1/imaps"))
	for header, want := range map[string]time.Duration{
		"": 10 * time.Second, "5": 4500 * time.Millisecond, "0.6": 300 * time.Millisecond, "60": 10 * time.Second, "-1": 10 * time.Second, "NaN": 10 * time.Second, "x": 10 * time.Second,
	} {
		*asked = nil
		f := parse(t, w.get("/probe?target=mx1/imaps", nil, "X-Prometheus-Scrape-Timeout-Seconds", header))
		if got := (*asked)[0].Probe.Timeout; got != want || f["probe_timeout_seconds"].GetMetric()[0].GetGauge().GetValue() != want.Seconds() {
			t.Errorf("%q gives %s, want %s", header, got, want)
		}
	}
}

// Programs probe again and again: a login that is due once an hour is not made each time.
func TestAProbeLogsInOnlyWhereEachProbeDoes(t *testing.T) {
	each, hourly := check("mx1/imaps"), check("mx2/imaps")
	each.Probe.Login.Username, hourly.Probe.Login.Username = "alice", "bob"
	hourly.Probe.Login.Every = time.Hour
	w, asked := probeWorld(t, good("", "192.0.2.1"), each, hourly)
	w.scrape("/probe?target=mx1/imaps", nil)
	w.scrape("/probe?target=mx2/imaps", nil)
	if (*asked)[0].Probe.Login.Username != "alice" || (*asked)[1].Probe.Login.Username != "" {
		t.Errorf("logged in as %q and %q", (*asked)[0].Probe.Login.Username, (*asked)[1].Probe.Login.Username)
	}
}

func TestOneProbeAtATimeOfATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, check("a"), check("b"))
		var mu sync.Mutex
		running, most := map[config.CheckID]int{}, map[config.CheckID]int{}
		w.test = func(ctx context.Context, c *config.Check, _ api.TestOptions) (incident.Result, error) {
			mu.Lock()
			running[c.ID]++
			most[c.ID], most[""] = max(most[c.ID], running[c.ID]), max(most[""], running["a"]+running["b"])
			mu.Unlock()
			time.Sleep(6 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			running[c.ID]--
			return good(c.ID, "192.0.2.1"), ctx.Err()
		}
		var all sync.WaitGroup
		answers := make([]int, 5)
		for i, target := range []string{"a", "a", "b", "a", "a"} {
			all.Go(func() {
				answers[i] = w.get("/probe?target="+target, nil, "X-Prometheus-Scrape-Timeout-Seconds", "15").Code
			})
		}
		all.Wait()
		slices.Sort(answers)
		if !slices.Equal(answers, []int{200, 200, 200, 503, 503}) || !maps.Equal(most, map[config.CheckID]int{"a": 1, "b": 1, "": 2}) {
			t.Errorf("answers %v, at once %v", answers, most)
		}
	})
}

func TestDebugShowsTheConversation(t *testing.T) {
	w, _ := probeWorld(t, bad("mx1/imaps"), check("mx1/imaps"))
	answer := w.get("/probe?target=mx1/imaps&debug=true", nil)
	text := answer.Body.String()
	if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") || strings.Contains(text, "\x1b") {
		t.Errorf("%s: %q", got, text)
	}
	for _, want := range []string{"S: * OK <b>", "The service is down.", "connect refused:", "\nprobe_success 0\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	scrapes := &api.Visitor{Rights: []api.Right{api.Metrics}, Token: true}
	if answer := w.get("/probe?target=mx1/imaps&debug=true", scrapes); answer.Code != http.StatusForbidden {
		t.Error("who may not see it:", answer.Code)
	}
}
