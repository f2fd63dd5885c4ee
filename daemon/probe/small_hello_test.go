package probe

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// An address that answers only a small ClientHello is sent one from then on, and a
// large one again after a day. That is said once.
func TestSmallHelloIsRemembered(t *testing.T) {
	inBubble(t, func(b *bubble) {
		server := b.serve("192.0.2.1", "large-hello reset\ntls\nS: * OK ready\nserve")
		for i, test := range []struct {
			after       time.Duration
			connections int
			noted       bool
		}{
			{0, 2, true}, {time.Minute, 1, false}, {23 * time.Hour, 1, false}, {time.Hour, 2, true}, {time.Minute, 1, false},
		} {
			before := server.Connections()
			r := b.probeAfter(test.after)
			b.expect(r, "ok")
			if got := server.Connections() - before; got != test.connections {
				t.Errorf("probe %d: %d connections, want %d", i, got, test.connections)
			}
			if got := hasNote(r, string(config.CauseLargeClientHello)); got != test.noted {
				t.Errorf("probe %d: noted: %v", i, got)
			}
		}
	})
}

// A server that comes to fail on small ones as well is asked anew.
func TestSmallHelloIsForgotten(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.serve("192.0.2.1", "large-hello reset\ntls\nS: * OK ready\nserve")
		b.expect(b.probe(), "ok")
		b.serve("192.0.2.1", "reset")
		b.expect(b.probeAfter(time.Minute), "down tls/closed")
		server := b.serve("192.0.2.1", polite)
		b.expect(b.probeAfter(time.Minute), "ok")
		if server.Connections() != 1 {
			t.Errorf("%d connections", server.Connections())
		}
	})
}

// A handshake that keeps failing is not looked into at every probe: a server that
// turns connections away has enough of them.
func TestDiagnosisIsRemembered(t *testing.T) {
	for script, first := range map[string]int{
		"reset":   3, // with a small ClientHello, and with everything
		"silence": 2, // with a small one, beside the first
		"spoken-to\nraw \"\\x15\\x03\\x03\\x00\\x02\\x02\\x28\"\nsilence": 2, // handshake_failure, and with everything
	} {
		inBubble(t, func(b *bubble) {
			server := b.serve("192.0.2.1", script)
			cause := ""
			for i, want := range []int{first, 1, 1, 1, 1, first} {
				before := server.Connections()
				r := b.probeAfter(time.Until(epoch.Add(time.Duration(i) * time.Minute)))
				if got := server.Connections() - before; got != want {
					t.Errorf("%q, probe %d: %d connections, want %d", script, i, got, want)
				}
				worst, _ := r.Worst()
				if said := string(worst.Cause) + worst.Hint; i == 0 {
					cause = said
				} else if cause != said {
					t.Errorf("%q, probe %d says %s, and the first said %s", script, i, said, cause)
				}
			}
		})
	}
}

// The time that is lost with a large ClientHello is not the server's.
func TestLostTimeIsNotTheServers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.check.Thresholds[config.PhaseTLS], b.check.Thresholds[config.WholeConversation] = time.Second, 2*time.Second
		b.serve("192.0.2.1", "large-hello silence\ntls\nS: * OK ready\nserve")
		b.expect(b.probe(), "ok")
	})
}
