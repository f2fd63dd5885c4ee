package availability

import (
	"slices"
	"time"
)

// An Incident is when the steps of one were taken; zero: they were not.
type Incident struct {
	Started      time.Time // the start of the first failed probe
	Reported     time.Time // it became an incident
	Notified     time.Time // the first message about it was sent
	Acknowledged time.Time
	Ended        time.Time
}

// A Spread is the middle and the worst of some durations.
type Spread struct {
	Median, Worst time.Duration
	Count         int // zero: there are none
}

// Steps are how long the steps of incidents took.
type Steps struct {
	Notice      Spread // from the start until it was reported
	Told        Spread // from then until the first message was sent
	Acknowledge Spread // from the report until somebody answered for it
	Repair      Spread // from the start until the end
}

// StepsOf returns how long the steps of incidents took. A step that was not taken has no length.
func StepsOf(list []Incident) Steps {
	return Steps{
		Notice:      spreadOf(list, func(i *Incident) (time.Time, time.Time) { return i.Started, i.Reported }),
		Told:        spreadOf(list, func(i *Incident) (time.Time, time.Time) { return i.Reported, i.Notified }),
		Acknowledge: spreadOf(list, func(i *Incident) (time.Time, time.Time) { return i.Reported, i.Acknowledged }),
		Repair:      spreadOf(list, func(i *Incident) (time.Time, time.Time) { return i.Started, i.Ended }),
	}
}

func spreadOf(list []Incident, step func(*Incident) (from, to time.Time)) Spread {
	var lengths []time.Duration
	for i := range list {
		if from, to := step(&list[i]); !from.IsZero() && !to.IsZero() {
			lengths = append(lengths, max(0, to.Sub(from))) // the clock may have been set back between
		}
	}
	n := len(lengths)
	if n == 0 {
		return Spread{}
	}
	slices.Sort(lengths)
	return Spread{Median: (lengths[(n-1)/2] + lengths[n/2]) / 2, Worst: lengths[n-1], Count: n}
}
