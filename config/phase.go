package config

import (
	"iter"
	"time"
)

// A Phase is a step of a conversation. The zero Phase is none in particular. In
// JSON and in text it is its word, and "" for none.
type Phase int8

// The phases, in the order in which a conversation goes through them; with
// STARTTLS, PhaseTLS comes after PhaseStartTLS.
const (
	NoPhase Phase = iota
	PhaseDNS
	PhaseConnect
	PhaseTLS
	PhaseGreeting
	PhaseCapability
	PhaseStartTLS
	PhaseLogin
	PhaseSelect
	PhaseLogout

	PhaseCount // how many there are, NoPhase counted
)

// WholeConversation is the index of [PhaseTimes] for all phases together.
const WholeConversation = NoPhase

// PhaseTimes holds a duration for each phase, and one for the whole conversation.
// Measured times are 0 for what was not reached, limits are 0 where there is none.
type PhaseTimes [PhaseCount]time.Duration

// phaseTable says once what there is to say of each phase.
var phaseTable = [PhaseCount]struct {
	word string // in results, messages, the journal, metrics, and as a key of thresholds and timings
	name string // the subject of a sentence: "The greeting took 4s, ..."
	when string // the end of a sentence: "The server closed the connection before it greeted."
	// limited phases may have a threshold; the others are short, or not the server's doing.
	limited bool
	doc     string // what happens in it, for the manual
}{
	WholeConversation: {"total", "The whole conversation", "", true, "The whole conversation"},
	PhaseDNS:          {"dns", "The DNS lookup", "during dns", true, "Looking up the name"},
	PhaseConnect:      {"connect", "Connecting", "during connect", true, "The TCP connection"},
	PhaseTLS:          {"tls", "The TLS handshake", "during the TLS handshake", true, "The TLS handshake"},
	PhaseGreeting:     {"greeting", "The greeting", "before it greeted", true, "The server's greeting"},
	PhaseCapability:   {"capability", "Asking for the capabilities", "during capability", false, "The CAPABILITY and ID commands"},
	PhaseStartTLS:     {"starttls", "STARTTLS", "during starttls", false, "The STARTTLS command"},
	PhaseLogin:        {"login", "The login", "during login", true, "Logging in"},
	PhaseSelect:       {"select", "Opening the mailbox", "during select", true, "Opening the mailbox"},
	PhaseLogout:       {"logout", "The logout", "during logout", false, "The LOGOUT command"},
}

// Phases yields every phase, in the order of a conversation, without NoPhase.
func Phases() iter.Seq[Phase] {
	return func(yield func(Phase) bool) {
		for p := NoPhase + 1; p < PhaseCount; p++ {
			if !yield(p) {
				return
			}
		}
	}
}

// TimedPhases yields the indices of [PhaseTimes] in the order in which people read
// them: every phase, and the whole conversation last.
func TimedPhases() iter.Seq[Phase] {
	return func(yield func(Phase) bool) {
		for p := range Phases() {
			if !yield(p) {
				return
			}
		}
		yield(WholeConversation)
	}
}

// LimitedPhases yields the indices of [Probe.Thresholds], in the same order.
func LimitedPhases() iter.Seq[Phase] {
	return func(yield func(Phase) bool) {
		for p := range TimedPhases() {
			if phaseTable[p].limited && !yield(p) {
				return
			}
		}
	}
}

// ParsePhase returns the phase of a word. "" and a word that is not known, as a
// newer version may have written it, are NoPhase.
func ParsePhase(word string) Phase {
	for p := range Phases() {
		if phaseTable[p].word == word {
			return p
		}
	}
	return NoPhase
}

// String returns the phase's word, "" for NoPhase.
func (p Phase) String() string {
	if p == NoPhase {
		return ""
	}
	return phaseTable[p].word
}

// TimeKey returns the key under which files and JSON hold the phase's duration:
// its word, or "total" for the whole conversation.
func (p Phase) TimeKey() string { return phaseTable[p].word }

// Name returns the phase as the subject of a sentence, "The TLS handshake".
func (p Phase) Name() string { return phaseTable[p].name }

// When returns when something happened, as the end of a sentence: "during the TLS
// handshake". It is "" for NoPhase.
func (p Phase) When() string { return phaseTable[p].when }

// Doc returns what happens in the phase, in a few words for the manual.
func (p Phase) Doc() string { return phaseTable[p].doc }

// MarshalText writes the phase's word.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote. A word that is not known is NoPhase,
// so that a journal that a newer version wrote can be replayed.
func (p *Phase) UnmarshalText(text []byte) error {
	*p = ParsePhase(string(text)) // no error, which would end the replay
	return nil
}
