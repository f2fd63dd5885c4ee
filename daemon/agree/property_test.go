package agree_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/agree"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// nodes makes members in places: "a" to "e".
func nodes(t *rapid.T) (members []agree.Member) {
	n := rapid.IntRange(1, 5).Draw(t, "nodes")
	for i := range n {
		name := string(rune('a' + i))
		members = append(members, agree.Member{Node: name, Location: fmt.Sprint("place-", rapid.IntRange(0, i).Draw(t, "place"))})
	}
	return members
}

// sights makes what the members see, in the order in which they look.
func sights(t *rapid.T, members []agree.Member) (all []agree.Sight) {
	memories := map[string]*agree.Memory{}
	now := began
	for range rapid.IntRange(1, 30).Draw(t, "probes") {
		now = now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(t, "pause")) * time.Millisecond)
		node := rapid.SampledFrom(members).Draw(t, "node").Node
		if memories[node] == nil {
			memories[node] = &agree.Memory{}
		}
		kind := rapid.SampledFrom([][]string{{"ok"}, {"connect", "timeout"}, {"tls", "timeout"}, {"latency", "slow"}, {"unknown"}}).Draw(t, "kind")
		all = append(all, memories[node].See(node, result(kind, now), 1))
	}
	return all
}

// since returns since when a condition fails.
func since(r incident.Result, c config.Condition) time.Time {
	for _, b := range r.Began {
		if b.Condition == c {
			return b.At
		}
	}
	return r.Started
}

var rule = agree.Rule{Fresh: time.Hour, Settings: 1}

// The order in which sights arrive makes no difference.
func TestOrderMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := nodes(t)
		all := sights(t, members)
		rule := rule
		rule.Agree = rapid.IntRange(1, len(members)).Draw(t, "agree")
		now := began.Add(10 * time.Minute)
		want := agree.NewView(began)
		for _, s := range all {
			want.Take(s)
		}
		got := agree.NewView(began)
		for _, s := range rapid.Permutation(all).Draw(t, "order") {
			got.Take(s)
		}
		a, b := want.Agree(members, rule, now), got.Agree(members, rule, now)
		if a.String() != b.String() || !reflect.DeepEqual(a.Result, b.Result) {
			t.Fatalf("in order: %s %+v\notherwise: %s %+v", a.String(), a.Result, b.String(), b.Result)
		}
	})
}

// With all that report, a check fails when enough see it fail, since the right one of them began; and
// it did not begin before all was agreed to be well.
func TestFailureBeginsWithTheLastOfEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := nodes(t)
		all := sights(t, members)
		rule := rule
		rule.Agree = rapid.IntRange(1, len(members)).Draw(t, "agree")
		view := agree.NewView(began)
		last := map[string]agree.Sight{}
		fails := map[string]time.Time{}
		var well time.Time
		failed := false // as was said last
		for _, s := range all {
			view.Take(s)
			now := s.Result.Started
			switch r := s.Result; {
			case r.Observed == 0:
			case len(r.Findings) > 0 && r.Findings[0].Condition == config.ConditionService:
				if fails[s.Node].IsZero() {
					fails[s.Node] = now
				}
			default:
				fails[s.Node] = time.Time{}
			}
			last[s.Node] = s
			var failing []time.Time
			reporting := 0
			for node, s := range last {
				if s.Result.Observed == 0 {
					continue
				}
				if reporting++; !fails[node].IsZero() {
					failing = append(failing, fails[node])
				}
			}
			slices.SortFunc(failing, time.Time.Compare)
			need := min(rule.Agree, reporting)
			o := view.Agree(members, rule, now)
			if want := need > 0 && len(failing) >= need; want != (o.Verdict == agree.Fails) {
				t.Fatalf("%d of %d see it fail, %d have to: %s", len(failing), reporting, need, o.String())
			}
			if o.Verdict == agree.Agreed || failed && (o.Verdict == agree.Asking || o.Verdict == agree.Local) {
				well = now // as far as they agree
			}
			if o.Verdict != agree.Nothing {
				failed = o.Verdict == agree.Fails
			}
			if o.Verdict != agree.Fails {
				continue
			}
			want := failing[need-1]
			if want.Before(well) {
				want = well
			}
			got := since(o.Result, config.ConditionService)
			if reporting >= rule.Agree && !got.Equal(want) {
				t.Fatalf("began %s, want %s", got.Sub(began), want.Sub(began))
			}
			if got.Before(well) {
				t.Fatalf("began %s, before it was agreed to be well at %s", got.Sub(began), well.Sub(began))
			}
		}
	})
}

// A node that falls silent never makes a check fail that enough others do not see fail.
func TestSilenceIsNoFailure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := nodes(t)
		rule := rule
		rule.Agree = rapid.IntRange(1, len(members)).Draw(t, "agree")
		view := agree.NewView(began)
		for _, s := range sights(t, members) {
			view.Take(s)
		}
		now := began.Add(10 * time.Minute)
		before := view.Agree(members, rule, now)
		who := rapid.IntRange(0, len(members)-1).Draw(t, "silent")
		members[who].Silent = true
		after := view.Agree(members, rule, now)
		if before.Verdict != agree.Fails && after.Verdict == agree.Fails && !after.Short() {
			t.Fatalf("before: %s\nafter: %s", before.String(), after.String())
		}
	})
}

// When a node goes, only its own checks move, and each check is in as many places as it can be.
func TestShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := nodes(t)
		n := rapid.IntRange(1, len(members)).Draw(t, "n")
		check := config.CheckID(rapid.StringMatching(`[a-z0-9]{1,8}`).Draw(t, "check"))
		places := map[string]bool{}
		for _, m := range members {
			places[m.Location] = true
		}
		share := agree.Share(check, members, n)
		covered := map[string]bool{}
		for _, m := range share {
			covered[m.Location] = true
		}
		if len(share) != n || len(covered) != min(n, len(places)) {
			t.Fatalf("%d nodes in %d places of %d, want %d nodes", len(share), len(covered), len(places), n)
		}
		if again := agree.Share(check, rapid.Permutation(members).Draw(t, "order"), n); !slices.Equal(share, again) {
			t.Fatalf("%v in another order is %v", share, again)
		}
		gone := rapid.IntRange(0, len(members)-1).Draw(t, "gone")
		if slices.Contains(share, members[gone]) {
			return
		}
		members[gone].Silent = true
		if after := agree.Share(check, members, n); !slices.Equal(share, after) {
			t.Fatalf("%v became %v when another node went", share, after)
		}
	})
}

// Nodes have about as many checks as each other.
func TestSharesAreEven(t *testing.T) {
	members := []agree.Member{{Node: "fra1", Location: "a"}, {Node: "fra2", Location: "a"}, {Node: "nyc1", Location: "b"}, {Node: "lon1", Location: "c"}}
	count := map[string]int{}
	for i := range 8000 {
		for _, m := range agree.Share(config.CheckID(fmt.Sprintf("mx%d/imaps", i)), members, 1) {
			count[m.Node]++
		}
	}
	for node, n := range count {
		if n < 1800 || n > 2200 {
			t.Errorf("%s has %d of 8000 checks", node, n)
		}
	}
}

// A node that reaches hardly anything that is well elsewhere is at fault itself, until it reaches most
// of it again.
func TestSuspects(t *testing.T) {
	for _, test := range []struct {
		well, unreachable int
		before, want      bool
	}{
		{8, 4, false, false},
		{8, 5, false, true},
		{10, 5, false, false},
		{400, 201, false, true},
		{400, 200, false, false},
		{400, 100, true, true},
		{400, 99, true, false},
		{0, 0, true, false},
	} {
		if got := agree.Judge(agree.Record{WellElsewhere: test.well, Unreachable: test.unreachable}, test.before); got != test.want {
			t.Errorf("%d of %d, suspected before %v: %v", test.unreachable, test.well, test.before, got)
		}
	}
	records := map[string]agree.Record{}
	members := []agree.Member{{Node: "fra1", Location: "a"}, {Node: "nyc1", Location: "b"}, {Node: "lon1", Location: "c"}}
	for i := range 10 {
		view := agree.NewView(began)
		for _, m := range members {
			kind := []string{"ok"}
			switch {
			case m.Node == "fra1" && i < 6:
				kind = []string{"connect", "timeout"}
			case i == 9: // a real outage is no record of anybody
				kind = []string{"connect", "refused"}
			}
			view.Take((&agree.Memory{}).See(m.Node, result(kind, began), 1))
		}
		rule := agree.Rule{Agree: 2, Fresh: time.Hour, Settings: 1}
		o := view.Agree(members, rule, began.Add(time.Second))
		agree.Add(records, &o)
	}
	if got, want := records["fra1"], (agree.Record{WellElsewhere: 9, Unreachable: 6}); got != want {
		t.Errorf("fra1: %+v, want %+v", got, want)
	}
	if !agree.Judge(records["fra1"], false) || agree.Judge(records["nyc1"], false) {
		t.Errorf("suspected are %+v", records)
	}
}

// An Observed of nothing is what a check that nobody reports on gives to the incident machine.
func TestNobodyReports(t *testing.T) {
	view := agree.NewView(began)
	o := view.Agree([]agree.Member{{Node: "fra1"}}, agree.Rule{Agree: 1}, began)
	if counts, events := incident.Observe(config.Policy{}, incident.State{}, o.Result); len(events) > 0 || counts.Failing() != 0 {
		t.Errorf("events %v", events)
	}
}
