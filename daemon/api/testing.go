package api

import (
	"net/http"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// TestOptions say how a check is probed by Daemon.Test.
type TestOptions struct {
	// OnPhase hears of each phase as it ends. It is called by several goroutines at once, and must
	// not wait; nil: nobody hears of them.
	OnPhase func(PhaseEnd)
	// OnLine hears of each line of the conversations, on the same terms.
	OnLine func(Line)
	// Retry logs in however often the login was rejected before: a person asks for it, and no
	// program does so again and again.
	Retry bool
}

// A PhaseEnd is a phase of a test that is over, as the event "phase" shows it.
type PhaseEnd struct {
	Address string       `json:"address"` // empty: the name was looked up, for all addresses
	Port    int          `json:"port"`
	Phase   config.Phase `json:"phase"`
	MS      float64      `json:"ms"`
	OK      bool         `json:"ok"`
}

// Milliseconds returns a duration as JSON shows it, with three digits.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// A Line is a line of a conversation: what was secret is starred out, what a server said is
// sanitised.
type Line struct {
	Address string
	At      time.Duration // since the probe began
	From    string        // "C" or "S", as in the examples of the RFCs; "-" for a remark
	Text    opaque.Words
}

// test probes a check now, and the result does not count.
func (v1 *versionOne) test(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	c, _ := s.Check(config.CheckID(r.PathValue("check")))
	if c.Check == nil { // it has left the files a moment ago
		WriteProblem(w, r, notFound("there is no check %q", r.PathValue("check")))
		return
	}
	if wantsStream(r) {
		v1.streamTest(w, r, c.Check)
		return
	}
	allowTime(w, c.Probe.Timeout)
	result, err := v1.daemon.Test(r.Context(), c.Check, TestOptions{Retry: true})
	writeJSON(w, r, Reports{[]Report{NewReport(c.Label, result)}}, err)
}

// allowTime lets an answer take as long as a probe and the wait for its turn do: the listener gives
// each answer only so long.
func allowTime(w http.ResponseWriter, probe time.Duration) {
	// What cannot have a deadline (a recorder of a test) has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2*probe + time.Minute))
}

// mostPhases is how many phases of a test may wait to be sent: those of 64 addresses.
const mostPhases = 1024

// streamTest answers a test with an event "phase" as each phase ends, and at last with "result", or
// with "problem".
func (v1 *versionOne) streamTest(w http.ResponseWriter, r *http.Request, c *config.Check) {
	stream := newStream(w)
	_ = stream.begin() // of a client that is gone the test is told by the context
	phases, ended := make(chan PhaseEnd, mostPhases), make(chan []byte, 1)
	go func() {
		result, err := v1.daemon.Test(r.Context(), c, TestOptions{Retry: true, OnPhase: func(e PhaseEnd) {
			select {
			case phases <- e:
			default: // whoever watches is too slow, and gets the result
			}
		}})
		if err != nil {
			ended <- encodeEvent("problem", "", mustEncode(problemOf(err)))
			return
		}
		ended <- encodeEvent("result", "", mustEncode(Reports{[]Report{NewReport(c.Label, result)}}))
	}()
	pulse := time.NewTicker(pulseEvery)
	defer pulse.Stop()
	for {
		select {
		case e := <-phases:
			_ = stream.send("phase", "", mustEncode(e))
		case <-pulse.C:
			_ = stream.comment()
		case last := <-ended:
			for len(phases) > 0 {
				_ = stream.send("phase", "", mustEncode(<-phases))
			}
			_ = stream.write(last)
			return
		}
	}
}
