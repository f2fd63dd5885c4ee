package daemon

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config/watch"
)

// A hazard is a way in which files change in the field, and what must come of
// it. Its steps are what somebody does, and the one thing that comes of each:
// the checks that are applied, as "a=1 b=2", or "refused: " and a part of why,
// or nothing at all. The last step is one that is applied.
type hazard struct {
	name   string
	path   string // of the configuration; conf unless given
	before string
	steps  [][2]string
}

// Numbers are those of the table of hazards that the design began with. What is
// not in this table has a test of its own.
var hazards = []hazard{
	{
		name:   "1 temporary file renamed over the old one",
		before: "write conf/a.hcl a=1",
		steps: [][2]string{
			{"put conf/a.hcl a=2", "a=2"},
			{"mv conf/a.hcl conf/a.hcl~; write conf/a.hcl a=3; rm conf/a.hcl~", "a=3"},
			{"put conf/a.hcl a=4", "a=4"},
		},
	},
	{
		name:   "2 names that editors and package managers leave",
		before: "write conf/a.hcl a=1",
		steps: [][2]string{
			{"write conf/4913 b=1; write conf/.a.hcl.swp b=1; write conf/a.hcl~ b=1; write conf/#a.hcl# b=1; ln nobody@host.1 conf/.#a.hcl", ""},
			{"write conf/a.hcl.dpkg-dist b=1; write conf/a.hcl.rpmnew b=1; write conf/a.hcl.7.2026-01-01@00:00:00~ b=1; write conf/.git/a.hcl b=1", ""},
			{"put conf/a.hcl a=2", "a=2"},
		},
	},
	{
		name:   "4 checkout of a tree",
		before: "write conf/a.hcl a=1; many conf/eu 300 1",
		steps:  [][2]string{{"rm conf/a.hcl; many conf/eu 300 1001; many conf/us/east 300 2001; rm conf/us; write conf/a.hcl a=2", "a=2 300 from 1001"}},
	},
	{
		name:   "5 Kubernetes volume",
		before: "write conf/..1/a.hcl a=1; ln ..1 conf/..data; ln ..data/a.hcl conf/a.hcl",
		steps: [][2]string{
			{"write conf/..2/a.hcl a=2; ln ..2 conf/..data; rm conf/..1", "a=2"},
			{"write conf/..3/a.hcl a=3; ln ..3 conf/..data; rm conf/..2", "a=3"},
		},
	},
	{
		name:   "6 path is a symbolic link and is repointed",
		before: "write v1/a.hcl a=1; write v2/a.hcl a=2; ln v1 conf",
		steps:  [][2]string{{"ln v2 conf", "a=2"}, {"write v2/a.hcl a=3", "a=3"}, {"ln v1 conf", "a=1"}},
	},
	{
		name:   "7 directory removed and back",
		before: "write conf/a.hcl a=1",
		steps: [][2]string{
			{"mv conf away", "refused: There is no file or directory"},
			{"write conf/a.hcl a=2", "a=2"},
			{"put conf/a.hcl a=3", "a=3"},
		},
	},
	{
		name:   "8 directory swapped by rename",
		before: "write conf/a.hcl a=1; write new/a.hcl a=2",
		steps:  [][2]string{{"mv conf old; mv new conf", "a=2"}, {"write conf/a.hcl a=3", "a=3"}, {"mv conf new; mv old conf", "a=1"}},
	},
	{
		name:   "9 new subdirectory",
		before: "write conf/a.hcl a=1",
		steps:  [][2]string{{"write conf/x/y/b.hcl b=1", "a=1 b=1"}, {"write conf/x/y/b.hcl b=2", "a=1 b=2"}, {"put conf/x/c.hcl c=1", "a=1 b=2 c=1"}},
	},
	{
		name:   "10 more events than the kernel keeps",
		before: "write conf/a.hcl a=1",
		steps:  [][2]string{{"flip conf/x 12000; write conf/a.hcl a=2", "a=2"}, {"write conf/a.hcl a=3", "a=3"}},
	},
	{
		name:   "11 a thousand files written in a second",
		before: "write conf/a.hcl a=1",
		steps:  [][2]string{{"many conf/x 1000 1", "a=1 1000 from 1"}},
	},
	{
		name:   "12 tree emptied, file cut to nothing, most checks gone",
		before: "write conf/a.hcl a=1,b=1,c=1; write conf/b.hcl d=1,e=1,f=1,g=1,h=1,i=1,j=1",
		steps: [][2]string{
			{"rm conf/a.hcl; rm conf/b.hcl", "refused: No configuration file"},
			{"write conf/a.hcl a=1,b=1,c=1", "refused: The new configuration would remove 7 of 10 checks"},
			{"write conf/b.hcl nothing", "refused: The new configuration would remove 7 of 10 checks"},
			{"write conf/b.hcl d=1,e=1,f=1,g=1,h=1,i=1,j=1; write conf/a.hcl nothing", "refused: File cut to 0 bytes"},
			{"write conf/a.hcl a=1,b=1,c=2", "a=1 b=1 c=2 d=1 e=1 f=1 g=1 h=1 i=1 j=1"},
		},
	},
	{
		name:   "14 file that cannot be read",
		before: "write conf/a.hcl a=1; write conf/b.hcl b=1",
		steps: [][2]string{
			{"put conf/a.hcl a=2; ln nowhere conf/b.hcl", "refused: "},
			{"rm conf/b.hcl; pipe conf/b.hcl", "refused: "},
			{"put conf/b.hcl b=2", "a=2 b=2"},
		},
	},
	{
		name:   "16 older times, and two writes in a second",
		before: "write conf/a.hcl a=1",
		steps: [][2]string{
			{"write conf/.new a=2; old conf/.new; mv conf/.new conf/a.hcl", "a=2"},
			{"write conf/a.hcl a=3; old conf/a.hcl; old conf", "a=3"},
			{"write conf/a.hcl a=4; write conf/a.hcl a=5", "a=5"},
			{"write conf/a.hcl a=4", "a=4"},
			{"old conf/a.hcl", ""},
			{"put conf/a.hcl a=6", "a=6"},
		},
	},
	{
		name:   "path is one file",
		path:   "conf/a.hcl",
		before: "write conf/a.hcl a=1",
		steps: [][2]string{
			{"put conf/a.hcl a=2", "a=2"},
			{"write conf/b.hcl b=1", ""},
			{"rm conf", "refused: There is no file or directory"},
			{"write conf/a.hcl a=3", "a=3"},
		},
	},
	{
		name:   "broken file, mended later",
		before: "write conf/a.hcl a=1; write conf/b.hcl b=1",
		steps: [][2]string{
			{"put conf/a.hcl broken", "refused: "},
			{"put conf/b.hcl b=2", "refused: "},
			{"put conf/a.hcl a=2", "a=2 b=2"},
			{"put conf/a.hcl broken", "refused: "},
			{"put conf/a.hcl a=3", "a=3 b=2"},
		},
	},
}

// With file-system events alone: whatever is done is noticed, and applied once.
func TestHazardsByEvents(t *testing.T) {
	for _, c := range hazards {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // what takes time is waiting for quiet
			c.play(newStage(t))
		})
	}
}

// 13: on a network file system there are no events, and only the check of the
// contents is left, every 30 seconds. Time is that of a bubble, so that what is
// said of it is exact.
func TestHazardsByPoll(t *testing.T) {
	for _, c := range hazards {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.bubble, s.alone, s.watch = true, true, watch.Options{NoEvents: true}
				c.play(s)
				s.stop()
			})
		})
	}
}

// noticed is how long a change may take to be applied when there is no event of
// it.
const noticed = 35 * time.Second

func (c hazard) play(s *stage) {
	s.t.Helper()
	h := &hand{t: s.t, root: s.dir}
	h.do(c.before)
	h.rest()
	if c.path != "" {
		s.path = s.dir + "/" + c.path
	}
	s.start()
	s.calm()
	for _, step := range c.steps {
		s.step(h, step[0], step[1])
	}
}

// step does something, and expects one thing to come of it.
func (s *stage) step(h *hand, script, want string) {
	s.t.Helper()
	before, began := len(s.ledger.so()), time.Now()
	h.do(script)
	if want != "" {
		s.ledger.until(s.t, "it to be "+want, func() bool {
			n := len(s.ledger.entries)
			return n > before && s.ledger.entries[n-1].is(want)
		})
	}
	if !strings.HasPrefix(want, "refused: ") { // else to ask would be answered, and written down, once more
		if v := s.reload(); v != "unchanged" {
			s.t.Errorf("%s: the reload after it was %s", script, v)
		}
	}
	pauses, took := h.rest()
	got, most := s.ledger.so()[before:], 1+pauses+int(took/settleMost) // which is when a reader gives up
	if want == "" {
		most = 0
	}
	if len(got) > most {
		s.t.Errorf("%s: came to %+v, which is more than %d", script, got, most)
	}
	if s.watch.NoEvents {
		for _, e := range got {
			if after := e.at.Sub(began); e.why != watch.Poll.String() || after > noticed {
				s.t.Errorf("%s: %s because of %s, after %v", script, e.what, e.why, after)
			}
		}
		return
	}
	for _, e := range got {
		if e.why == watch.Poll.String() {
			s.t.Errorf("%s: %s because of a poll", script, e.what)
		}
	}
}

func (e happening) is(want string) bool {
	if part, ok := strings.CutPrefix(want, "refused: "); ok {
		return strings.HasPrefix(e.what, "refused: ") && strings.Contains(e.what, part)
	}
	return e.what == want
}
