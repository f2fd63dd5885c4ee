package api_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// hostile is what a server may say: markup, characters that turn the direction of a text, controls,
// what ends a string of JSON, and what ends an event of a stream.
const hostile = "* BYE </script><img src=x onerror=alert(1)> \u202eevil\u2066 \x00\x1b[31m \",\"state\":\"ok\r\n\r\nevent: incident\ndata: {}\u2028"

// What a server says stands in the JSON of checks, incidents and events as text, without controls, and
// as one value.
func TestHostileWordsInJSON(t *testing.T) {
	live(t, func(d *living) {
		w := d.watch(everything, "?check=a")
		w.came()
		now := time.Now()
		words := opaque.Sanitise(hostile)
		d.tracker.Observe(d.t.Context(), incident.Result{
			Check: "a", Started: now, Ended: now, Observed: config.ConditionSet(config.ConditionService),
			Findings: []incident.Finding{{
				Condition: config.ConditionService, Health: incident.Down, Phase: config.PhaseGreeting, Cause: config.CauseBye,
				Hint: "The server says " + words.String(), Evidence: words,
			}},
		})
		second()
		// Two probes confirm a failure.
		d.observe("a", false)
		second()
		var text strings.Builder
		for _, e := range w.came() {
			text.WriteString("event " + e.name + "\n")
			writeIndented(t, &text, []byte(e.data))
		}
		for _, path := range []string{"status", "incidents"} {
			text.WriteString("GET " + path + "\n")
			writeIndented(t, &text, ask(d.mux, "GET", "/api/v1/"+path, "").Body.Bytes())
		}
		synctest.Wait()
		w.gone()
		for _, r := range text.String() {
			if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Errorf("%q is in an answer", r)
			}
		}
		golden.Compare(t, filepath.Join("testdata", "hostile.txt"), text.String())
	})
}

// writeIndented writes JSON so that people can read it.
func writeIndented(t *testing.T, to *strings.Builder, text []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	to.WriteString(strings.TrimSpace(out.String()) + "\n")
}
