package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/stream"
)

// Each file of testdata says what befalls three nodes and their stream, one thing a line, and behind
// "->" what comes of it. "show" lists the stream, and what each node holds of it.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out string
			synctest.Test(t, func(t *testing.T) { out = playTranscript(t, string(text)) })
			golden.Compare(t, file, out)
		})
	}
}

// A stage is the nodes of a transcript.
type stage struct {
	*testing.T
	net   *local.Network
	nodes map[string]*member
	began time.Time
}

func playTranscript(t *testing.T, text string) string {
	t.Helper()
	s := &stage{T: t, net: local.New(), nodes: map[string]*member{}, began: time.Now()}
	for _, name := range []string{"fra1", "nyc1", "lon1"} {
		m := &member{t: t, name: name, dir: t.TempDir(), connect: func() bus.Bus { return s.net.Connect(name) }, fs: &disk{}}
		m.start()
		defer m.stop()
		s.nodes[name] = m
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		said, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ->")
		switch {
		case strings.HasPrefix(said, "  "):
			continue // of show
		case said == "" || strings.HasPrefix(said, "#"):
			out.WriteString(said + "\n")
			continue
		}
		began := time.Now()
		what := s.do(said)
		synctest.Wait()
		took := time.Since(began).Round(100 * time.Millisecond)
		switch {
		case said == "show":
			what = "\n" + what
		case what == "":
		case took > 0 && !strings.HasPrefix(said, "wait"):
			what = fmt.Sprintf(" -> after %v: %s", took, what)
		default:
			what = " -> " + what
		}
		out.WriteString(said + strings.TrimRight(what, "\n") + "\n")
	}
	return out.String()
}

// do does what a line says, and returns what came of it.
func (s *stage) do(line string) string {
	subject, rest, _ := strings.Cut(line, " ")
	m := s.nodes[subject]
	switch {
	case line == "show":
		return s.show()
	case subject == "make":
		b := s.net.Connect("maker")
		defer b.Close()
		furthest := uint64(0)
		for _, m := range s.nodes {
			furthest = max(furthest, m.Place())
		}
		return result(stream.Create(context.Background(), b.Stream(), furthest, state(strings.Fields(rest)...)))
	case subject == "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			s.Fatal(line, err)
		}
		time.Sleep(d)
		return ""
	case m != nil:
		return s.doNode(m, rest)
	}
	return s.doStream(line)
}

// doStream does what befalls the stream.
func (s *stage) doStream(line string) string {
	switch line {
	case "the stream answers nobody":
		s.net.CutStream(true)
	case "the stream answers again":
		s.net.CutStream(false)
	case "acknowledgements are lost":
		s.net.LoseAcknowledgements(true)
	case "acknowledgements arrive again":
		s.net.LoseAcknowledgements(false)
	case "acknowledgements are lost for 5s":
		s.net.LoseAcknowledgements(true)
		time.AfterFunc(5*time.Second, func() { s.net.LoseAcknowledgements(false) })
	case "the stream loses its last 2 messages":
		s.net.LoseEnd(2)
	case "the stream is lost":
		s.net.LoseStream()
	default:
		s.Fatalf("%q is not known", line)
	}
	return ""
}

// doNode does what a node does, or what befalls it.
func (s *stage) doNode(m *member, line string) string {
	ctx := context.Background()
	verb, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "appends its whole state anew":
		_, err := m.Rebase(ctx, state(m.held()...))
		m.replay()
		return result(err)
	case line == "appends in version 2":
		return result(s.appendNewer(m))
	case verb == "appends":
		err := m.Append(slices.Collect(state(strings.Fields(rest)...))...)
		if err == nil {
			m.folded = append(m.folded, strings.Fields(rest)...)
		} else {
			m.stale = true
		}
		return result(err)
	case line == "reads on":
		err := m.CatchUp(ctx)
		m.replay()
		return result(err)
	case line == "begins":
		_, err := m.Begin(ctx)
		return result(err)
	case line == "is asked whether it decides":
		return result(m.Sure(ctx))
	case line == "compacts":
		return result(m.Compact(state(m.held()...)))
	case line == "hears nothing of the stream":
		s.net.CutOneWay("", m.name)
	case line == "hears of message 9":
		m.Expect(9)
	case line == "is cut off":
		s.net.Cut(m.name)
	case line == "is connected again":
		s.net.Heal(m.name)
	case line == "starts again":
		m.stop()
		m.start()
		m.replay()
	case line == "has a full disk":
		m.fs.(*disk).full.Store(true)
	case line == "has room on its disk":
		m.fs.(*disk).full.Store(false)
	case line == "loses its files":
		files, _ := filepath.Glob(filepath.Join(m.dir, "*"))
		for _, f := range files {
			os.Remove(f)
		}
	default:
		s.Fatalf("%q is not known", line)
	}
	return ""
}

// lastOf returns the last sequence of the stream.
func (s *stage) lastOf(m *member) uint64 {
	_, last, err := m.bus.Stream().Ends(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	return last
}

// appendNewer appends a message as a later imapvigil might.
func (s *stage) appendNewer(m *member) error {
	ctx, st := context.Background(), m.bus.Stream()
	last := s.lastOf(m)
	_, err := st.Append(ctx, last, "newer", []byte(`{"v":2,"wire":"other"}`))
	return err
}

// result puts an error into words that are the same in every run.
func result(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, journal.ErrReplaced):
		return "it decides no more: " + plain(err)
	}
	return plain(err)
}

var (
	directories = regexp.MustCompile(`/\S*/`)
	eraNames    = regexp.MustCompile(`-[0-9a-f]{12}-`)
)

func plain(err error) string { return directories.ReplaceAllString(err.Error(), "") }

// show lists the stream and the nodes.
func (s *stage) show() string {
	var b strings.Builder
	b.WriteString(s.showStream())
	for _, name := range []string{"fra1", "nyc1", "lon1"} {
		m := s.nodes[name]
		folded, stale := strings.Join(m.folded, " "), m.stale
		held := strings.Join(m.held(), " ")
		fmt.Fprintf(&b, "  %s holds message %d and before: %s\n", name, m.Place(), held)
		if stale {
			b.WriteString("    its incidents have to be opened again\n")
		} else if folded != held {
			fmt.Fprintf(&b, "    it has folded: %s\n", folded)
		}
		for _, err := range []error{m.Lost(), m.Behind(), m.Speaks()} {
			if err != nil {
				fmt.Fprintf(&b, "    %s\n", plain(err))
			}
		}
	}
	return b.String()
}

// showStream lists the messages of the stream.
func (s *stage) showStream() string {
	b := s.net.Connect("reader")
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	first, last, err := b.Stream().Ends(ctx)
	if err != nil {
		return "  the stream: " + plain(err) + "\n"
	}
	var out strings.Builder
	for seq := first; seq <= last; seq++ {
		data, err := b.Stream().Get(ctx, seq)
		if err != nil {
			s.Fatal(err)
		}
		fmt.Fprintf(&out, "  %d %s\n", seq, brieflyOf(data))
	}
	return out.String()
}

// brieflyOf shows a message in a few words.
func brieflyOf(data []byte) string {
	var m struct {
		V       int                        `json:"v"`
		Term    uint64                     `json:"term"`
		Era     string                     `json:"era"`
		Whole   *struct{ N, Of int }       `json:"whole"`
		Records []struct{ Kind, Data any } `json:"records"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return string(data)
	}
	if m.V > 1 {
		return string(data)
	}
	words := fmt.Sprintf("term %d", m.Term)
	if m.Era != "" {
		words += " era " + eraNames.ReplaceAllString(m.Era, "-*-")
	}
	if m.Whole != nil {
		words += fmt.Sprintf(", whole %d/%d", m.Whole.N, m.Whole.Of)
	}
	words += ":"
	for _, r := range m.Records {
		if r.Kind == "test" {
			words += fmt.Sprintf(" %v", r.Data)
		} else {
			words += fmt.Sprintf(" %v", r.Kind)
		}
	}
	return words
}
