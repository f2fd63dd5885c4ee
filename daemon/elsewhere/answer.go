package elsewhere

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/availability"
)

// An answer is what a node says of its history. Times are milliseconds of the clock, in pairs: from, to.
type answer struct {
	Error string `json:",omitempty"` // why it says nothing, in words of this package
	// Unseen is when it saw nothing of most of the checks, Others of those of which that is another time.
	Unseen []int64                    `json:",omitempty"`
	Others map[config.CheckID][]int64 `json:",omitempty"`
	Sum    *Sum                       `json:",omitempty"` // of the probes of one check; nil: there were none
}

// A Sum is what the probes of one node came to.
type Sum struct {
	N                           int
	OK, Degraded, Down, Unknown int
	// How long good conversations took of which so many of 100 took no longer, and the longest; 0: none was good.
	P50, P95, P99, Max time.Duration
}

func makeAnswer(ctx context.Context, own Store, q Query) (a answer, err error) {
	complete, err := own.CompleteSince(ctx)
	if err != nil {
		return a, err
	}
	lives, err := own.Lives(ctx, q.Checks, q.From, q.To)
	if err != nil {
		return a, err
	}
	a.setUnseen(lives, complete, q)
	if q.Of != "" {
		a.Sum, err = sumOfProbes(ctx, own, q.Of, q.Since, q.To)
	}
	return a, err
}

// setUnseen sets when the node saw nothing. Of many checks that is the same: the time in which it did not run.
func (a *answer) setUnseen(lives map[config.CheckID]availability.Life, complete time.Time, q Query) {
	lists, count, most := map[config.CheckID][]int64{}, map[string]int{}, ""
	for id, life := range lives {
		list := unseen(life, complete, q)
		key := encodeNumbers(list)
		if count[key]++; count[key] > count[most] || count[key] == count[most] && key < most {
			most, a.Unseen = key, list
		}
		lists[id] = list
	}
	a.Others = map[config.CheckID][]int64{}
	for id, list := range lists {
		if !slices.Equal(list, a.Unseen) {
			a.Others[id] = append([]int64{}, list...) // JSON says [], not null
		}
	}
}

func encodeNumbers(list []int64) string {
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // of numbers
	}
	return string(text)
}

// unseen returns when a node saw nothing of a check: while it was unknown there, was not in its files or
// paused, and before the history was begun.
func unseen(life availability.Life, complete time.Time, q Query) (pairs []int64) {
	list := []availability.Interval{{To: complete}}
	if complete.IsZero() {
		list = nil
	}
	for _, i := range life.Intervals {
		if i.Kind != availability.Maintenance { // it probes on
			list = append(list, i)
		}
	}
	for _, i := range availability.Union(list) {
		from, to := max(i.From.UnixMilli(), q.From.UnixMilli()), q.To.UnixMilli()
		if !i.To.IsZero() {
			to = min(to, i.To.UnixMilli())
		}
		if from < to {
			pairs = append(pairs, from, to)
		}
	}
	return pairs
}

func sumOfProbes(ctx context.Context, own Store, check config.CheckID, from, to time.Time) (*Sum, error) {
	if !from.Before(to) {
		return nil, errWindow
	}
	points, err := own.Points(ctx, check, from, to, to.Sub(from))
	if err != nil || len(points) == 0 {
		return nil, err
	}
	p := &points[0]
	return &Sum{
		N: p.N, OK: p.OK, Degraded: p.Degraded, Down: p.Down, Unknown: p.Unknown,
		P50: p.P50[config.WholeConversation], P95: p.P95[config.WholeConversation], P99: p.P99[config.WholeConversation], Max: p.Max,
	}, nil
}

var (
	errWindow  = errors.New("the window ends before it begins")
	errAnswers = errors.New("the answer cannot be read")
)

// decode reads the answer of another node, of which nothing is taken on trust.
func decode(text []byte) (a answer, err error) {
	if len(text) > mostAnswer {
		return a, errAnswers
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, errAnswers
	}
	if a.Error != "" && a.Error != saysTooMuch {
		a.Error = cannotRead // whatever it says
	}
	lists := [][]int64{a.Unseen}
	for _, list := range a.Others {
		lists = append(lists, list)
	}
	for _, list := range lists {
		if len(list)%2 != 0 || !slices.IsSorted(list) {
			return a, errAnswers
		}
	}
	if a.Sum != nil && !a.Sum.isPlausible() {
		return a, errAnswers
	}
	return a, nil
}

// longest is longer than any conversation takes.
const longest = time.Hour

func (s *Sum) isPlausible() bool {
	for _, n := range []int{s.N, s.OK, s.Degraded, s.Down, s.Unknown} {
		if n < 0 || n > s.N {
			return false
		}
	}
	for _, d := range []time.Duration{s.P50, s.P95, s.P99, s.Max} {
		if d < 0 || d > longest {
			return false
		}
	}
	return s.N > 0
}

// unseenOf returns when the node saw nothing of a check.
func (a *answer) unseenOf(check config.CheckID) (list []availability.Interval) {
	pairs, other := a.Others[check]
	if !other {
		pairs = a.Unseen
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, availability.Interval{
			From: time.UnixMilli(pairs[i]).UTC(), To: time.UnixMilli(pairs[i+1]).UTC(), Kind: availability.Unknown,
		})
	}
	return list
}
