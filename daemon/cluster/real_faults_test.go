//go:build !quick

package cluster_test

import (
	"math/rand/v2"
	"slices"
	"time"
)

// The faults of machines and of servers of the bus.
const (
	killed    = "killed"    // kill -9; it begins again afterwards
	stopped   = "stopped"   // SIGSTOP
	unplugged = "unplugged" // its link is down
	deaf      = "deaf"      // nothing reaches it
	mute      = "mute"      // nothing that it sends arrives
	slow      = "slow"      // what it sends takes 80 ms, 20 more or less, and one packet in a hundred is lost
	reset     = "reset"     // its connections are reset, and new ones, too
	clockSet  = "clock set" // its clock is set
	diskFull  = "disk full"
	wiped     = "wiped"                 // a server is killed, and begins again with an empty disk
	allWiped  = "wiped, and all others" // the same, of all servers at once; then a person makes the journals again
)

// fells reports whether others have to do without a machine with this fault.
func fells(kind string) bool {
	return slices.Contains([]string{killed, stopped, unplugged, deaf, mute}, kind)
}

// A realFault befalls a machine or a server for a while.
type realFault struct {
	kind     string
	server   bool // it befalls a server
	victim   int
	duration time.Duration // of fair time
	ahead    time.Duration // of a clock that is set
	// begin and end are uptimes; end is 0 until it is over.
	begin, end time.Duration
}

// A troublemaker has one fault after the other happen.
type troublemaker struct {
	random *rand.Rand
	kinds  []string
	server bool // to servers
	once   bool // and then nothing more
	over   bool // it was
	now    *realFault
	free   time.Duration // the fair time at which the next one may begin
}

// next makes a fault whose victim is still open.
func (m *troublemaker) next() *realFault {
	seconds := func(from, to float64) time.Duration {
		return time.Duration((from + m.random.Float64()*(to-from)) * float64(time.Second))
	}
	f := &realFault{kind: m.kinds[m.random.IntN(len(m.kinds))], server: m.server, duration: seconds(3, 10)}
	switch f.kind {
	case stopped, unplugged, deaf, mute:
		if m.random.IntN(3) == 0 {
			f.duration = seconds(12, 30)
		}
	case reset:
		f.duration = seconds(0.2, 2)
	case clockSet:
		if f.ahead = seconds(2.5, 60); m.random.IntN(2) == 0 {
			f.ahead = -f.ahead
		}
	}
	if m.server {
		f.duration = min(f.duration, seconds(3, 10))
	}
	return f
}

// rests has it do nothing for a while, of which the first part is long enough for who was at fault to come
// back.
func (m *troublemaker) rests(now, atLeast time.Duration) {
	m.now, m.free = nil, now+atLeast+time.Duration(m.random.Int64N(int64(6*time.Second)))
}

// A realOutage is of one check of one cluster.
type realOutage struct {
	cluster, check int
	from           int // the only machine that sees it; -1: all do
	at, duration   time.Duration
	begin, end     time.Duration // uptimes
	wall           time.Time     // its begin, by the clock that all machines have
}

// How many outages each cluster has in a round, seen from everywhere and from one machine.
const (
	outagesOfRound = 4
	localsOfRound  = 2
)

// planOutages makes the outages of all clusters, in the order in which they begin. Where servers of the bus
// fall they are longer, since a new leader among them takes its four to nine seconds.
func planOutages(random *rand.Rand, clusters int, trouble time.Duration, servers bool) (list []*realOutage) {
	shortest, longest := 7*time.Second, 12*time.Second
	if servers {
		shortest, longest = 18*time.Second, 22*time.Second
	}
	for c := range clusters {
		checks := random.Perm(checksOfRound)
		for i := range outagesOfRound + localsOfRound {
			o := &realOutage{
				cluster: c, check: checks[i], from: -1, duration: shortest + time.Duration(random.Int64N(int64(longest-shortest))),
				at: time.Duration(random.Int64N(int64(trouble - longest/2))),
			}
			if i >= outagesOfRound {
				o.from = random.IntN(len(fiveNodes()))
			}
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b *realOutage) int { return int(a.at - b.at) })
	return list
}
