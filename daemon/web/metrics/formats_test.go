package metrics_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// What Prometheus asks for: 2.42, and the same with native histograms.
const (
	wantsOpenMetrics = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	wantsProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5"
)

// formatWorld returns a world with a label that must be quoted, and a bit of everything.
func formatWorld(t testing.TB) *world {
	strange := check("mx1/imaps", "europe")
	strange.Label = "Line 1\nC:\\mail is \"mail\", ü"
	w := newWorld(t, strange, check("mx2/imaps"))
	w.among(three(api.Deciding))
	w.observe(seenFrom(good("mx1/imaps", "192.0.2.1", "2001:db8::1%eth0")))
	w.observe(bad("mx2/imaps"))
	w.counts.Outcome("email.mailroom", "sent")
	delivered := time.Unix(1767690000, 0)
	w.self.Destinations = []api.Destination{{Role: "it_team", Notifier: "email.mailroom", ProvedAt: &delivered}}
	return w
}

// own lists the series of a text answer that our own writer writes.
func own(t *testing.T, answer *httptest.ResponseRecorder) (list []string, last string) {
	t.Helper()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		last = lines.Text()
		if strings.HasPrefix(last, "imapvigil_") && !strings.HasPrefix(last, "imapvigil_probe_duration") {
			list = append(list, last)
		}
	}
	return list, last
}

func TestTheTextFormatsAgree(t *testing.T) {
	w := formatWorld(t)
	plain, open := w.get("/metrics", nil), w.get("/metrics", nil, "Accept", wantsOpenMetrics)
	for answer, want := range map[*httptest.ResponseRecorder]string{plain: "text/plain; version=0.0.4", open: "application/openmetrics-text; version=1.0.0"} {
		if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
	text, _ := own(t, plain)
	metrics, last := own(t, open)
	if len(text) < 30 || !slices.Equal(text, metrics) {
		t.Errorf("text:\n%s\nOpenMetrics:\n%s", strings.Join(text, "\n"), strings.Join(metrics, "\n"))
	}
	if last != "# EOF" {
		t.Errorf("it ends with %q", last)
	}
	label := `label="Line 1\nC:\\mail is \"mail\", ü"`
	if !slices.ContainsFunc(text, func(line string) bool { return strings.Contains(line, label) }) {
		t.Errorf("no %s", label)
	}
}

func TestProtobufAgreesWithText(t *testing.T) {
	w := formatWorld(t)
	answer := w.get("/metrics", nil, "Accept", wantsProtobuf)
	decoder := expfmt.NewDecoder(answer.Body, expfmt.ResponseFormat(answer.Header()))
	byName := map[string]*dto.MetricFamily{}
	for {
		f := &dto.MetricFamily{}
		err := decoder.Decode(f)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		byName[f.GetName()] = f
	}
	compared := 0
	for name, f := range w.scrape("/metrics", nil) {
		// What is of the process differs from one scrape to the next.
		if strings.HasPrefix(name, "imapvigil_") && len(f.GetMetric()) > 0 && f.GetType() != dto.MetricType_HISTOGRAM {
			compared++
			if got, want := series(byName[name]), series(f); !slices.Equal(got, want) || byName[name].GetType() != f.GetType() {
				t.Errorf("%s is %q in protobuf, %q in text", name, got, want)
			}
		}
	}
	native := byName["imapvigil_probe_duration_seconds"].GetMetric()
	if compared < 15 || len(native) == 0 || native[0].GetHistogram().GetSchema() != 3 { // factor 1.1: 2^(2^-3) is 1.09
		t.Errorf("%d families agree; the histogram is %v", compared, native)
	}
}

func TestAnAnswerIsCompressedForWhoTakesIt(t *testing.T) {
	w := formatWorld(t)
	for accepted, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "": "", "identity": "", "gzip;q=0": "", "xgzip": ""} {
		answer := w.get("/metrics", nil, "Accept-Encoding", accepted)
		if got := answer.Header().Get("Content-Encoding"); got != want {
			t.Errorf("%q is answered with %q", accepted, got)
		}
	}
	answer := w.get("/metrics", nil, "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body = bytes.NewBuffer(text)
	if f := parse(t, answer); len(f["imapvigil_check_up"].GetMetric()) != 2 {
		t.Error("something is lost")
	}
}

// large returns a world of checks with two addresses each.
func large(t testing.TB, checks int) *world {
	list := make([]*config.Check, checks)
	for i := range list {
		list[i] = check(config.CheckID(fmt.Sprintf("mx%05d/imaps", i)), "europe", "europe/germany")
	}
	w := newWorld(t, list...)
	for _, c := range list {
		r := good(c.ID, "192.0.2.1", "2001:db8::1")
		for i := range r.Addresses {
			for p := range config.TimedPhases() {
				if p != config.PhaseStartTLS && p != config.PhaseLogin && p != config.PhaseSelect {
					r.Addresses[i].Timings[p] = time.Duration(rand.IntN(1e9)) * time.Nanosecond
				}
			}
		}
		w.observe(r)
	}
	return w
}

// A discarded answer counts its bytes.
type discarded struct {
	header http.Header
	bytes  int
}

func (d *discarded) Header() http.Header { return d.header }
func (d *discarded) WriteHeader(int)     {}
func (d *discarded) Write(p []byte) (int, error) {
	d.bytes += len(p)
	return len(p), nil
}

// A scrape of 10,000 checks with two addresses each: 17 series a check.
func BenchmarkScrape(b *testing.B) {
	w := large(b, 10_000)
	for _, c := range []struct{ name, accept, encoding string }{
		{"text", "", ""}, {"text-gzip", "", "gzip"}, {"openmetrics-gzip", wantsOpenMetrics, "gzip"}, {"protobuf", wantsProtobuf, ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", http.NoBody)
			r.Header.Set("Accept", c.accept)
			r.Header.Set("Accept-Encoding", c.encoding)
			b.ReportAllocs()
			for b.Loop() {
				d := discarded{header: http.Header{}}
				w.mux.ServeHTTP(&d, r)
				b.ReportMetric(float64(d.bytes)/1e6, "MB/scrape")
			}
		})
	}
}
