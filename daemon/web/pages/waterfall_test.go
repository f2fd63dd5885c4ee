package pages

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func reportOf(a incident.Address) *api.AddressReport {
	return &api.AddressReport{Address: a.IP.String(), State: a.Health, Phase: a.Phase, Cause: a.Cause, Timings: api.TimingsReport(a.Timings)}
}

// Phases follow each other, over what they usually take.
func TestWaterfall(t *testing.T) {
	t.Parallel()
	usual := address("192.0.2.1", incident.OK, 5, 10, 20, 5, 5, 40, 10, 5).Timings
	limits := config.PhaseTimes{config.PhaseConnect: 50 * time.Millisecond, config.PhaseTLS: time.Hour, config.PhaseLogin: 30 * time.Millisecond}
	w := newWaterfall(reportOf(address("192.0.2.1", incident.OK, 5, 10, 20, 5, 5, 40, 10, 5)), config.TLSFromStart, usual, limits)
	var names []string
	for _, r := range w.Rows {
		names = append(names, r.Name)
		if *r.Bar != *r.Ghost {
			t.Errorf("%s took as long as usual, and is drawn at %v over %v", r.Name, r.Bar, r.Ghost)
		}
	}
	if got := strings.Join(names, " "); got != "DNS Connect TLS Greeting Capability Login Select Logout" {
		t.Error(got)
	}
	if w.Rows[1].Bar.X != "4.76%" || w.Rows[1].Bar.W != "9.52%" || w.Rows[1].Step != w.Rows[2].Bar.X {
		t.Errorf("%+v, then %s", w.Rows[1].Bar, w.Rows[1].Step)
	}
	if w.Rows[1].Limit != "52.38%" || w.Rows[2].Limit != "" || w.Rows[1].Slow || !w.Rows[5].Slow {
		t.Errorf("limits %q, %q, slow %v %v", w.Rows[1].Limit, w.Rows[2].Limit, w.Rows[1].Slow, w.Rows[5].Slow)
	}
}

// Where a conversation ended, what usually follows is drawn alone.
func TestWaterfallOfAFailure(t *testing.T) {
	t.Parallel()
	usual := address("192.0.2.1", incident.OK, 5, 10, 20, 5, 5, 40, 10, 5).Timings
	a := address("192.0.2.1", incident.Down, 5, 10)
	a.Phase, a.Cause = config.PhaseTLS, config.CauseTimeout
	a.Timings[config.PhaseTLS] = 10 * time.Second
	w := newWaterfall(reportOf(a), config.TLSFromStart, usual, config.PhaseTimes{config.PhaseLogin: 50 * time.Millisecond})
	if login := w.Rows[5]; login.Limit != "30.16%" { // as the others are, where it usually begins
		t.Errorf("the limit of a phase that was not reached is at %s", login.Limit)
	}
	if tls := w.Rows[2]; tls.Stopped == "" || !tls.Beyond || tls.Now != "10.00 s" {
		t.Errorf("%+v", tls)
	}
	for _, r := range w.Rows[3:] {
		if r.Bar != nil || r.Ghost == nil || r.Stopped != "" {
			t.Errorf("%s was not reached: %+v", r.Name, r)
		}
	}
	if last := w.Rows[len(w.Rows)-1].Ghost; last.X != "30.16%" {
		t.Errorf("after ten seconds in vain the usual phases are drawn at %s", last.X)
	}
}

func TestPhasesOfEachSecurity(t *testing.T) {
	t.Parallel()
	order := conversationOrder(config.StartTLS)
	if slices.Index(order, config.PhaseTLS) != slices.Index(order, config.PhaseStartTLS)+1 {
		t.Errorf("%v", order)
	}
	if slices.Contains(conversationOrder(config.Plain), config.PhaseTLS) {
		t.Error("a conversation without encryption has a TLS handshake")
	}
}

func TestTicksAreRound(t *testing.T) {
	t.Parallel()
	for length, want := range map[time.Duration]string{
		3 * time.Millisecond: "1 ms, 2 ms", 147 * time.Millisecond: "50 ms, 100 ms", time.Second: "200 ms, 400 ms, 600 ms, 800 ms", 12 * time.Second: "5 s, 10 s",
	} {
		var got []string
		for _, tick := range (axis{length}).ticks() {
			got = append(got, tick.Text)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %v, want %s", length, got, want)
		}
	}
}
