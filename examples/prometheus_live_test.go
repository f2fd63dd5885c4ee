//go:build !quick

package examples_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

// patience is longer than anything takes on a machine that does other things, too.
const patience = 2 * time.Minute

// freePort returns an address of this machine at which nothing listens just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startDaemon runs the daemon, which watches a server that works and one that refuses connections.
func startDaemon(t *testing.T) *liveDaemon {
	t.Helper()
	dir, err := os.MkdirTemp("", "live-") // the path of a unix socket is short (unix(7)), the name of a test is not
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	authority := ca.New()
	imap, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: authority.Issue(ca.Leaf{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(imap.Close)
	refusing, err := imaptest.ReservePort("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(refusing.Close)
	page := freePort(t)
	if err := authority.WriteFile(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	files := strings.NewReplacer("IMAP", fmt.Sprint(imap.Addr().Port()), "REFUSING", fmt.Sprint(refusing.Addr().Port()), "PAGE", page).Replace(`
daemon {
  listen             = "PAGE"
  heartbeat_url      = ""
  notification_roles = [notification_role.me]
}
notifier "email" "local" {
  host     = "localhost"
  security = "none"
  from     = "imapvigil@example.org"
}
notification_role "me" {
  notify {
    via = notifier.email.local
    to  = ["me@example.org"]
  }
}
defaults {
  notification_roles = [notification_role.me]
  interval           = "1s"
  slo                = 99.9
  tls {
    ca_file = "ca.pem"
  }
}
group "europe" {
  server "mx1" {
    hostname = "localhost"
    imap_check "imaps" {
      port     = IMAP
      security = "tls"
    }
  }
}
server "mx2" {
  hostname = "localhost"
  imap_check "imaps" {
    port     = REFUSING
    security = "tls"
  }
}
`)
	if err := os.WriteFile(filepath.Join(dir, "all.hcl"), []byte(files), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &liveDaemon{t: t, page: page, dir: dir}
	d.start()
	t.Cleanup(d.stop)
	return d
}

// A liveDaemon is the daemon in this process, over files of its own.
type liveDaemon struct {
	t    *testing.T
	page string // where its page is
	dir  string
	stop func() // and waits for the end
}

func (d *liveDaemon) start() {
	d.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Options{
			ConfigPath: filepath.Join(d.dir, "all.hcl"), StateDir: filepath.Join(d.dir, "state"), Control: filepath.Join(d.dir, "control"),
			Log: zap.NewNop(), Version: "1.2.3", Ready: func() { close(ready) },
		})
	}()
	d.stop = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			d.t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		d.t.Fatal(err)
	}
}

// upSeconds returns for how long a check was up, as the daemon counts.
func (d *liveDaemon) upSeconds(check string) (seconds float64) {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, "http://"+d.page+"/metrics", http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, `imapvigil_check_state_seconds_total{check="`+check+`",state="up"} `); found {
			if seconds, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil {
				d.t.Fatal(err)
			}
		}
	}
	return seconds
}

// Who restarts the daemon loses nothing of what was counted. A crash is another matter: then the
// counters begin at 0, so that Prometheus takes no fall for a rise.
func TestCountersGoOnAfterARestart(t *testing.T) {
	d := startDaemon(t)
	var before float64
	until(t, "some time", func() error {
		if before = d.upSeconds("mx1/imaps"); before < 2 {
			return fmt.Errorf("only %g seconds", before)
		}
		return nil
	})
	d.stop()
	d.start()
	t.Cleanup(d.stop)
	if after := d.upSeconds("mx1/imaps"); after < before {
		t.Errorf("it fell from %g to %g", before, after)
	}
	left, err := filepath.Glob(filepath.Join(d.dir, "state", "counters*"))
	if err != nil || len(left) > 0 {
		t.Error("after a crash the counters would be older than what was scraped:", left, err)
	}
}

// A prometheus is a running server.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus runs Prometheus with the example's own configuration, in a hurry.
func startPrometheus(t *testing.T, page string, flags ...string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs("prometheus/imapvigil.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer(
		"127.0.0.1:9143", page, "imapvigil.rules.yml", rules, "scrape_interval: 30s", "scrape_interval: 1s\n  evaluation_interval: 1s",
		"scrape_interval: 60s", "scrape_interval: 5s", "scrape_timeout: 15s", "scrape_timeout: 5s",
	).Replace(string(text))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	var said bytes.Buffer
	server := exec.Command(tool(t, "prometheus"), append(flags,
		"--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")...)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
		if t.Failed() {
			t.Logf("Prometheus says:\n%s", said.String())
		}
	})
	return &prometheus{t, "http://" + address}
}

// get asks Prometheus's API, and returns the field data of the answer.
func (p *prometheus) get(path string, into any) error {
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var whole struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(text, &whole); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if whole.Status != "success" {
		return fmt.Errorf("%s", whole.Error)
	}
	return json.Unmarshal(whole.Data, into)
}

// count returns how many series a query has now.
func (p *prometheus) count(expr string) (int, error) {
	var data struct{ Result []json.RawMessage }
	err := p.get("/api/v1/query?query="+url.QueryEscape(expr), &data)
	return len(data.Result), err
}

func (p *prometheus) until(what string, right func() error) {
	p.t.Helper()
	until(p.t, what, right)
}

// until asks until an answer is right, and says what is not.
func until(t *testing.T, what string, right func() error) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		err := right()
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Errorf("%s: %v", what, err)
			return
		}
	}
}

// has waits until a query has as many series.
func (p *prometheus) has(series int, expr string) {
	p.t.Helper()
	p.until(expr, func() error {
		if n, err := p.count(expr); err != nil || n != series {
			return fmt.Errorf("%d series, want %d: %w", n, series, err)
		}
		return nil
	})
}

// A real Prometheus scrapes the daemon with the example's configuration: /metrics, and /probe by
// relabelling. All rules can be evaluated, and every panel of every dashboard shows something.
func TestPrometheusScrapesTheDaemon(t *testing.T) {
	p := startPrometheus(t, startDaemon(t).page)
	p.has(2, `up == 1`)
	p.has(1, `probe_success{instance="mx1/imaps"} == 1`)
	p.has(1, `imapvigil_check_up{check="mx1/imaps", server="mx1", group="europe"} == 1`)
	p.has(1, `imapvigil_check_up{check="mx2/imaps", server="mx2"} == 0`)
	p.has(1, `imapvigil_probe_failures_total{check="mx2/imaps", phase="connect", cause="refused"} > 0`)
	p.has(1, `imapvigil_check_state_seconds_total{check="mx1/imaps", state="up"} > 2`)
	p.until("the rules", func() error {
		var data struct {
			Groups []struct {
				Rules []struct {
					Name, Health, LastError string
					LastEvaluation          time.Time
				}
			}
		}
		if err := p.get("/api/v1/rules", &data); err != nil {
			return err
		}
		evaluated := 0
		for _, g := range data.Groups {
			for _, r := range g.Rules {
				if r.Health != "ok" || r.LastEvaluation.IsZero() {
					return fmt.Errorf("%s is %s: %s", r.Name, r.Health, r.LastError)
				}
				evaluated++
			}
		}
		if want := len(rules(t)); evaluated != want {
			return fmt.Errorf("%d rules, want %d", evaluated, want)
		}
		return nil
	})
	for _, q := range queries(t) {
		// What Grafana would put there.
		fill := func(check string) string {
			return strings.NewReplacer("$check", check, "$group", ".*", "$__rate_interval", "1m", "$__range", "1h").Replace(q.expr)
		}
		p.until(q.dashboard+", "+q.panel, func() error {
			some := 0
			for _, check := range []string{"mx1/imaps", "mx2/imaps"} {
				n, err := p.count(fill(check))
				if err != nil {
					return fmt.Errorf("%s: %w", fill(check), err)
				}
				some += n
			}
			// A single machine has no nodes, and sees from one place.
			ofNodes := strings.Contains(q.expr, "imapvigil_node_") || strings.Contains(q.expr, "imapvigil_check_location_")
			if some == 0 && !ofNodes {
				return fmt.Errorf("it shows nothing: %s", fill("mx2/imaps"))
			}
			return nil
		})
	}
}

// With native histograms Prometheus asks for protobuf, and gets everything in it.
func TestPrometheusGetsNativeHistograms(t *testing.T) {
	p := startPrometheus(t, startDaemon(t).page, "--enable-feature=native-histograms")
	p.has(1, `histogram_quantile(0.9, rate(imapvigil_probe_duration_seconds{phase="total"}[1m])) > 0`)
	p.has(1, `imapvigil_check_up{check="mx1/imaps", server="mx1", group="europe"} == 1`)
	p.has(1, `imapvigil_check_state_seconds_total{check="mx1/imaps", state="up"} > 0`)
	p.has(1, `probe_success{instance="mx1/imaps"} == 1`)
}
