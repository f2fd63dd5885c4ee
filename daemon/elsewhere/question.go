package elsewhere

import (
	"context"
	"encoding/json"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
	"github.com/imapvigil/imapvigil/daemon/history"
)

// A Store is the history of one node; *history.Store is one.
type Store interface {
	CompleteSince(ctx context.Context) (time.Time, error)
	Lives(ctx context.Context, checks []config.CheckID, from, to time.Time) (map[config.CheckID]availability.Life, error)
	Incidents(ctx context.Context, from, to time.Time) ([]history.Incident, error)
	Points(ctx context.Context, check config.CheckID, from, to time.Time, step time.Duration) ([]history.Point, error)
	Ghost(ctx context.Context, check config.CheckID) ([]history.Ghost, error)
	Certificates(ctx context.Context, check config.CheckID) ([]history.Certificate, error)
}

// A Query is what is asked of each other node: when it saw nothing of some checks in a window.
type Query struct {
	Checks   []config.CheckID `json:"checks,omitempty"` // none: all that are in its files
	From, To time.Time
	// Of is the check whose probes are summed up, from Since to To; empty: of none.
	Of    config.CheckID `json:",omitempty"`
	Since time.Time
}

const (
	// mostNamed is of how many checks a question has the names.
	mostNamed = 1000
	// mostChecks is of how many checks others are asked: of more the answers would take longer than Limit.
	mostChecks = 20000
	// mostAnswer is how many bytes an answer may have.
	mostAnswer = 1 << 20
)

// encode returns a question as it travels.
func (q Query) encode() []byte {
	if len(q.Checks) > mostNamed {
		q.Checks = nil
	}
	text, err := json.Marshal(q)
	if err != nil {
		panic(err) // of fields that JSON always takes
	}
	return text
}

// Answer answers the question of another node, out of the history of this one. all lists the checks of its
// files.
func Answer(ctx context.Context, own Store, all func() []config.CheckID, question []byte) []byte {
	var q Query
	err := json.Unmarshal(question, &q)
	if err == nil && !q.From.Before(q.To) {
		err = errWindow
	}
	var a answer
	if err == nil {
		if len(q.Checks) == 0 {
			q.Checks = all()
		}
		a, err = makeAnswer(ctx, own, q)
	}
	text, unencoded := json.Marshal(a)
	if err == nil && unencoded == nil && len(text) <= mostAnswer {
		return text
	}
	// Words of this machine, such as paths, are not for others.
	a = answer{Error: cannotRead}
	if err == nil {
		a.Error = saysTooMuch
	}
	text, _ = json.Marshal(a)
	return text
}
