package api

import (
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// TestOptions say how a check is probed by Daemon.Test.
type TestOptions struct {
	// OnPhase hears of each phase as it ends. It is called by several goroutines at once, and must
	// not wait; nil: nobody hears of them.
	OnPhase func(PhaseEnd)
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
