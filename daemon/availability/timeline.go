package availability

import (
	"cmp"
	"slices"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Stretch is a time in which a check counted as one state.
type Stretch struct {
	From, To time.Time
	State    State
	// Incident is that of a stretch that is down or degraded, unless a correction made it so.
	Incident string
	// Short reports a failure of the service that ended before it was reported.
	Short bool
}

// Timeline returns what a check counted as from one time to another, without gaps. The window
// ends at now: nothing is known of the future, and what goes on has no other end. The
// corrections are those of the check. Of several at the same time the worst counts: down,
// unknown, maintenance, up.
func Timeline(l Life, from, to, now time.Time, corrections []config.Correction) []Stretch {
	if now.Before(to) {
		to = now
	}
	if !from.Before(to) {
		return nil
	}
	s := sweep{from: from, to: to}
	for _, i := range l.Intervals {
		s.add(layerOf(i.Kind), i.From, i.To, "")
	}
	for _, b := range l.Bouts {
		s.add(layerOfBout(b), b.From, b.To, b.Incident)
	}
	for _, c := range corrections {
		s.add(layerOfCorrection(c.CountAs), c.Start, c.End, "")
	}
	return s.run()
}

// A layer is one reason why an instant counts as something.
type layer int

// The layers. Of the first group the first that holds decides.
const (
	layerAbsent layer = iota
	layerPaused
	layerCorrectedDown
	layerCorrectedUnknown
	layerCorrectedMaintenance
	layerCorrectedUp
	layerMaintenance
	layerUnknown
	layerDown
	layerDegraded
	layerShort // decides nothing: it is noted beside the state
	layerIgnored
)

// states are what each layer makes of an instant.
var states = [layerShort]State{
	layerAbsent: IsAbsent, layerPaused: IsPaused,
	layerCorrectedDown: IsDown, layerCorrectedUnknown: IsUnknown,
	layerCorrectedMaintenance: InMaintenance, layerCorrectedUp: IsOK,
	layerMaintenance: InMaintenance, layerUnknown: IsUnknown, layerDown: IsDown, layerDegraded: IsDegraded,
}

func layerOf(k Kind) layer {
	switch k {
	case Absent:
		return layerAbsent
	case Paused:
		return layerPaused
	case Maintenance:
		return layerMaintenance
	default: // a kind of a newer version is something that is not judged
		return layerUnknown
	}
}

func layerOfBout(b Bout) layer {
	switch {
	case b.Reported.IsZero() && b.Service:
		return layerShort
	case b.Reported.IsZero():
		return layerIgnored // degrades nothing that anybody was told
	case b.Service:
		return layerDown
	default:
		return layerDegraded
	}
}

func layerOfCorrection(c config.CountAs) layer {
	switch c {
	case config.CountDown:
		return layerCorrectedDown
	case config.CountMaintenance:
		return layerCorrectedMaintenance
	case config.CountUp:
		return layerCorrectedUp
	default:
		return layerCorrectedUnknown
	}
}

// A sweep walks over the borders of everything that lies in a window.
type sweep struct {
	from, to time.Time
	borders  []border
}

// A border is where something begins (+1) or ends (-1).
type border struct {
	at       time.Time
	layer    layer
	step     int
	incident string
}

// add puts the part of a time in that lies in the window; a zero end is now. What ends before
// it begins, as after a clock was set back, has no part.
func (s *sweep) add(on layer, from, to time.Time, incident string) {
	if from.Before(s.from) {
		from = s.from
	}
	if to.IsZero() || to.After(s.to) {
		to = s.to
	}
	if on != layerIgnored && from.Before(to) {
		s.borders = append(s.borders, border{from, on, +1, incident}, border{to, on, -1, incident})
	}
}

// run returns the stretches between the borders, those that are alike as one.
func (s *sweep) run() []Stretch {
	slices.SortFunc(s.borders, func(a, b border) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.layer, b.layer), cmp.Compare(a.incident, b.incident), b.step-a.step)
	})
	var (
		out  []Stretch
		open [layerIgnored]int
		ids  [layerIgnored][]string // the incidents of what is open
		at   = s.from
	)
	for i := 0; i <= len(s.borders); i++ {
		until := s.to
		if i < len(s.borders) {
			until = s.borders[i].at
		}
		if at.Before(until) {
			out = join(out, decide(&open, &ids, at, until))
			at = until
		}
		if i < len(s.borders) {
			b := s.borders[i]
			open[b.layer] += b.step
			ids[b.layer] = count(ids[b.layer], b)
		}
	}
	return out
}

// count adds or takes away the incident of a border.
func count(ids []string, b border) []string {
	if b.step > 0 {
		return append(ids, b.incident)
	}
	if i := slices.Index(ids, b.incident); i >= 0 {
		return slices.Delete(ids, i, i+1)
	}
	return ids
}

// decide returns the stretch in which these layers are open.
func decide(open *[layerIgnored]int, ids *[layerIgnored][]string, from, to time.Time) Stretch {
	s := Stretch{From: from, To: to, State: IsOK}
	for l, state := range states {
		if open[l] == 0 {
			continue
		}
		s.State = state
		if len(ids[l]) > 0 {
			s.Incident = ids[l][0]
		}
		break
	}
	corrected := open[layerCorrectedUp] > 0
	s.Short = open[layerShort] > 0 && !corrected && (s.State == IsOK || s.State == IsDegraded)
	return s
}

// join appends a stretch, or makes the last one longer.
func join(list []Stretch, s Stretch) []Stretch {
	if n := len(list); n > 0 {
		last := &list[n-1]
		if last.State == s.State && last.Incident == s.Incident && last.Short == s.Short {
			last.To = s.To
			return list
		}
	}
	return append(list, s)
}
