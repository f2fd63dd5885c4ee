package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// A timeline says what happens to several machines, and behind it stands what follows. Its lines are a
// time since the beginning and what happens then:
//
//	00:00:00 start fra1                 the daemon of a machine starts; "all": of all
//	00:01:00 stop fra1                  SIGTERM
//	00:01:00 kill fra1                  kill -9; it can start again
//	00:01:00 cut fra1                   its connection to the bus is gone, until heal
//	00:01:00 cut fra1 to nyc1           nyc1 does not hear fra1, until heal fra1
//	00:01:00 stream silent, heals, gone, loses 2 messages, loses acknowledgements
//	00:01:00 server lon1 is missing     it does not keep the stream; "no server is missing": all do
//	00:01:00 mx1/imaps: tls timeout     from now on probes find this, from everywhere ("ok": all is well)
//	00:01:00 mx1/imaps from fra1: ok    from one node only
//	00:01:00 files of fra1 differ       or "lack most checks"
//	00:01:00 decide of fra1 is false    by files that all machines read now
//	00:01:00 standby of fra1 fails      no other one can be opened there, until it "works"
//	00:01:00 clock of fra1 +5s          it is ahead
//	00:01:00 trouble of lon1: its ...   it says that of itself
//	00:01:00 relay of fra1 fails        no message leaves it, until it "works"
//	00:01:00 messages take 5s           until whoever gets one has answered
//	00:01:00 step down fra1             imapvigil nodes step-down
//	00:01:00 begin on fra1              imapvigil nodes begin
//	00:01:00 silence mx1/imaps for 1h on fra1   a silence, on the node that fra1 follows, or fra1 alone
//	00:01:00 unsilence mx1/imaps on fra1        ends it
//	00:01:00 ack mx1/imaps by anna on fra1      somebody works on it, in the same way
//	00:01:00 unack mx1/imaps by anna on fra1
//	00:01:00 note mx1/imaps by anna on fra1     somebody writes something about it
//	00:01:00 asked on fra1              shows what people have asked for there
//	00:01:00 nodes of fra1              shows what fra1 knows
//	00:01:00 wait
//
// What follows is indented: "=" is the role of a node, "." is written into a journal, ">" is a message. Its
// times, and its order within one moment, are compared with some slack.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob("testdata/timelines/*.txtar")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no timelines")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(file)
			must(t, err)
			archive := txtar.Parse(want)
			synctest.Test(t, func(t *testing.T) { playTimeline(t, archive) })
			compareTimeline(t, file, string(want), string(txtar.Format(archive)))
		})
	}
}

// playTimeline plays a file of a timeline: the nodes, in lines of a name and a location, and what
// happens.
func playTimeline(t *testing.T, archive *txtar.Archive) {
	house, err := os.ReadFile("testdata/timelines/house.hcl")
	must(t, err)
	var nodes []*config.Node
	for i := range archive.Files {
		file := &archive.Files[i]
		switch file.Name {
		case "more.hcl":
			house = append(house, file.Data...)
			continue
		case "nodes":
			nodes = parseNodes(t, string(file.Data))
			continue
		}
		s := newStage(t, loadFiles(t, string(house), nodes...))
		s.neverStepDown = file.Name == "never step down"
		s.createStream()
		// So that what is said does not arrive at the moment at which others look.
		s.net.Delay(13 * time.Millisecond)
		for line := range strings.Lines(string(file.Data)) {
			if !strings.HasPrefix(line, "    ") {
				s.line(line)
			}
		}
		s.settle()
		file.Data = []byte(s.out.text.String())
		s.end()
	}
}

func parseNodes(t *testing.T, text string) (nodes []*config.Node) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			t.Fatalf("what node is %q?", line)
		}
		nodes = append(nodes, &config.Node{ID: config.NodeID(words[0]), Location: words[1], Decide: len(words) == 2})
	}
	return nodes
}

func (s *stage) line(line string) {
	words := strings.Fields(line)
	if len(words) == 0 || words[0] == "#" {
		s.out.text.WriteString(line)
		return
	}
	var h, m, sec int
	if _, err := fmt.Sscanf(words[0], "%d:%d:%d", &h, &m, &sec); err != nil {
		s.t.Fatalf("%q: %v", line, err)
	}
	at := s.begin.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second)
	if at.Before(time.Now()) {
		s.t.Fatalf("%q is in the past", line)
	}
	s.reach(at.Add(-1))
	time.Sleep(time.Until(at))
	s.settle()
	s.out.text.WriteString(line)
	s.do(strings.TrimSpace(line)[len(words[0])+1:], words[1:])
	s.settle()
}

// do has something happen.
func (s *stage) do(command string, words []string) {
	name, symptom, ok := strings.Cut(command, ": ")
	if node, isTrouble := strings.CutPrefix(name, "trouble of "); isTrouble {
		s.machine(node).trouble.Store(&symptom)
		return
	}
	if ok {
		check, node, _ := strings.Cut(name, " from ")
		s.set(check, node, symptom)
		return
	}
	switch words[0] {
	case "start", "stop", "kill":
		for _, m := range s.sorted() {
			if words[1] == "all" || words[1] == string(m.id) {
				map[string]func(){"start": m.start, "stop": m.stop, "kill": m.kill}[words[0]]()
			}
		}
	case "cut", "heal":
		s.cut(words)
	case "stream":
		s.faultOfStream(strings.Join(words[1:], " "))
	case "server":
		s.net.Miss(words[1])
	case "no":
		s.net.Miss()
	case "certificate":
		left, err := time.ParseDuration(words[4])
		must(s.t, err)
		s.net.ShowCertificates(bus.Certificate{Of: "the NATS server " + words[1], Ends: time.Now().Add(left)})
	case "files":
		m := s.machine(words[2])
		m.digest, m.lacks = "other", words[3] == "lack"
		m.process.node.Configure(m.config())
	case "decide":
		s.probesOnly = s.machine(words[2]).id
		for _, m := range s.sorted() {
			m.process.node.Configure(m.config())
		}
	case "standby":
		s.machine(words[2]).unopened.Store(words[3] == "fails")
	case "clock":
		d, err := time.ParseDuration(words[3])
		must(s.t, err)
		s.machine(words[2]).wall.Store(int64(d))
	case "relay":
		s.machine(words[2]).mute.Store(words[3] == "fails")
	case "messages":
		d, err := time.ParseDuration(words[2])
		must(s.t, err)
		s.answerTime.Store(int64(d))
	case "step":
		must(s.t, s.machine(words[2]).process.node.StepDown(context.Background()))
	case "begin":
		s.beginStream(s.machine(words[2]))
	case "silence":
		d, err := time.ParseDuration(words[3])
		must(s.t, err)
		_, err = s.tracker(words[5]).Silence(context.Background(), outbox.Silence{
			Scope: outbox.Scope{Check: config.CheckID(words[1])}, Until: time.Now().Add(d),
		})
		must(s.t, err)
	case "unsilence":
		s.endSilence(s.tracker(words[3]), config.CheckID(words[1]))
	case "ack", "unack":
		s.acknowledge(s.tracker(words[5]), config.CheckID(words[1]), words[3], words[0] == "ack")
	case "note":
		s.note(s.tracker(words[5]), config.CheckID(words[1]), words[3])
	case "asked":
		s.showWishes(s.tracker(words[2]))
	case "nodes":
		s.showNodes(s.machine(words[2]))
	case "wait":
	default:
		s.t.Fatalf("what is %q?", command)
	}
}

func (s *stage) machine(name string) *machine {
	m := s.machines[config.NodeID(name)]
	if m == nil {
		s.t.Fatalf("there is no machine %q", name)
	}
	return m
}

func (s *stage) cut(words []string) {
	if len(words) == 4 {
		s.net.CutOneWay(words[1], words[3])
		return
	}
	for _, m := range s.sorted() {
		switch {
		case words[1] != "all" && words[1] != string(m.id):
		case words[0] == "cut":
			s.net.Cut(string(m.id))
		default:
			s.net.Heal(string(m.id))
		}
	}
}

func (s *stage) faultOfStream(fault string) {
	switch fault {
	case "silent", "heals":
		s.net.CutStream(fault == "silent")
		s.net.LoseAcknowledgements(false)
	case "gone":
		s.net.LoseStream()
	case "loses acknowledgements":
		s.net.LoseAcknowledgements(true)
	default:
		var n int
		if _, err := fmt.Sscanf(fault, "loses %d messages", &n); err != nil {
			s.t.Fatalf("what is %q?", fault)
		}
		s.net.LoseEnd(n)
	}
}

// beginStream makes a journal that was lost again, of what a node holds of it.
func (s *stage) beginStream(m *machine) {
	records, err := m.process.node.SharedRecords()
	must(s.t, err)
	must(s.t, stream.Create(context.Background(), m.process.bus.Stream(), m.process.node.Furthest(), slices.Values(records)))
}

// showNodes shows what a node knows of all.
func (s *stage) showNodes(m *machine) {
	st := m.process.node.State()
	fmt.Fprintf(&s.out.text, "    %s is %s, decider %q\n", st.Node, st.Role, st.Decider)
	if st.Journal != "" {
		fmt.Fprintf(&s.out.text, "    %s: %s\n", st.Node, st.Journal)
	}
	for _, n := range st.Nodes {
		fmt.Fprintf(&s.out.text, "    %s in %s: live %v, deciding %v, version %s, same files %v, share %d, behind %d %s\n",
			n.Name, n.Location, n.Live, n.Deciding, n.Version, n.SameFiles, n.Share, n.Behind, strings.Join(n.Troubles, " "))
	}
}
