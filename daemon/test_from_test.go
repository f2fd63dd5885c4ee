//go:build !quick

package daemon

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
)

// Any node has another one probe, and the result does not count. Of one that is silent it says so.
func TestATestFromAnotherNode(t *testing.T) {
	w, server := startTeam(t, localNetwork{local.New()}, "decide = false", "fra1", "lon1", "nyc1")
	w.decider()
	w.until("the service is well", func() bool { return w.stateAt("lon1") == "ok" })
	asks := w.client("lon1")
	for _, node := range []string{"nyc1", "lon1"} {
		r, err := asks.TestFrom(t.Context(), config.NodeID(node), "mx1/imap")
		if err != nil || r.ID != "mx1/imap" || r.State != "ok" || len(r.Addresses) != 1 || r.Addresses[0].Node != node {
			t.Errorf("from %s: %+v, %v", node, r, err)
		}
	}
	server.Refuse()
	if r, err := asks.TestFrom(t.Context(), "nyc1", "mx1/imap"); err != nil || r.State != "down" || r.Cause != "refused" {
		t.Errorf("of a server that refuses: %+v, %v", r, err)
	}
	for wrong, says := range map[[2]string]string{
		{"nyc2", "mx1/imap"}: `there is no node "nyc2"; did you mean nyc1?`, {"nyc1", "mx9/imap"}: `there is no check "mx9/imap"`,
	} {
		if _, err := asks.TestFrom(t.Context(), config.NodeID(wrong[0]), config.CheckID(wrong[1])); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	w.kill("nyc1")
	if _, err := asks.TestFrom(t.Context(), "nyc1", "mx1/imap"); err == nil || !strings.Contains(err.Error(), "nyc1 is silent: it cannot be asked") {
		t.Errorf("of a node that is gone: %v", err)
	}
}

// What another node says cannot steer a terminal, and is shown as what it is: too much, or nothing.
func TestWhatAnotherNodeSaysOfAProbe(t *testing.T) {
	report, err := json.Marshal(api.Report{State: "down", Hint: "\x1b[2Jwell\u202e", Addresses: []api.AddressReport{{Address: "192.0.2.1\n", Capabilities: []string{"\x07"}}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(testAnswer{Report: report})
	if err != nil {
		t.Fatal(err)
	}
	r, err := readReport("lon1", answer)
	if err != nil || r.Hint != `\x1b[2Jwell\u{202e}` || r.Addresses[0].Address != "192.0.2.1" || r.Addresses[0].Capabilities[0] != `\x07` {
		t.Errorf("%+v, %v", r, err)
	}
	for answer, says := range map[string]string{
		"":                            "lon1 does not know how to: it runs another version",
		"{":                           "the answer of lon1 cannot be read",
		`{"report":[]}`:               "the answer of lon1 cannot be read",
		`{}`:                          "the answer of lon1 cannot be read",
		`{"error":"\u001b[2Jno"}`:     `lon1: \x1b[2Jno`,
		strings.Repeat(" ", 2<<20):    "which is too much",
		`{"report":{"state":["ok"]}}`: "the answer of lon1 cannot be read",
	} {
		if _, err := readReport("lon1", []byte(answer)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("of %.30q: %v", answer, err)
		}
	}
}
