//go:build !quick

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe" // for linkname

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// journalSocket is where the library looks for journald.
//
//go:linkname journalSocket github.com/coreos/go-systemd/v22/journal.journalSocket
var journalSocket string

// standIn listens in the place of journald.
func standIn(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "journald") // not TempDir: the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	before := journalSocket
	journalSocket = filepath.Join(dir, "socket")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: journalSocket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		journalSocket = before
		if err := errors.Join(l.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return l
}

// received is the next entry, read as journald does
// (systemd.io/JOURNAL_NATIVE_PROTOCOL).
func received(t *testing.T, l *net.UnixConn) map[string]string {
	t.Helper()
	if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	datagram := make([]byte, 1<<16)
	n, err := l.Read(datagram)
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for rest := datagram[:n]; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		name, value, plain := strings.Cut(string(line), "=")
		if rest = after; !plain {
			size := binary.LittleEndian.Uint64(rest)
			value, rest = string(rest[8:8+size]), rest[8+size+1:]
		}
		if _, twice := fields[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		fields[name] = value
	}
	return fields
}

// underJournald makes the standard error of this process what systemd says that
// it reads (systemd.exec(5)).
func underJournald(t *testing.T) {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Fstat(syscall.Stderr, &s); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", s.Dev, s.Ino))
}

// Under systemd what is logged of a check, or of an incident, can be found by it:
// journalctl -u imapvigil CHECK_ID=mx1/imaps.
func TestLogInTheJournal(t *testing.T) {
	l := standIn(t)
	underJournald(t)
	at := zap.NewAtomicLevelAt(zap.InfoLevel)
	log, out, err := newLog(os.Stderr, "auto", true, at)
	if err != nil {
		t.Fatal(err)
	}
	defer out.finish()
	about := []zap.Field{zap.String("check", "mx1/imaps"), zap.String("incident", "abc"), zap.String("cause", "timeout")}
	hostile := "x\nPRIORITY=0\nMESSAGE=all is well\x1b[2J\u202e\u0085\xff"
	for _, test := range []struct {
		name string
		log  func()
		want map[string]string
	}{
		{
			"an incident",
			func() {
				since := zap.Time("since", time.Date(2026, 11, 23, 2, 4, 6, 7, time.UTC))
				log.Warn("incident opened", append(about, zap.String("hint", "Nobody answers."), zap.String("evidence", ""), since)...)
			},
			map[string]string{
				"PRIORITY": "4", "CHECK_ID": "mx1/imaps", "INCIDENT_ID": "abc", "CAUSE": "timeout",
				"MESSAGE": `incident opened check=mx1/imaps incident=abc cause=timeout hint="Nobody answers." since=2026-11-23T02:04:06Z`,
			},
		},
		{
			"one without a cause",
			func() { log.Info("incident closed", zap.String("check", "a"), zap.String("cause", "")) },
			map[string]string{"PRIORITY": "6", "CHECK_ID": "a", "MESSAGE": `incident closed check=a`},
		},
		{
			"something else", func() { log.Info("ready", zap.Int("checks", 3)) },
			map[string]string{"PRIORITY": "6", "MESSAGE": `ready checks=3`},
		},
		{
			"an error", func() { log.Error("no", zap.Error(errors.New("a\nb")), zap.Duration("after", time.Minute)) },
			map[string]string{"PRIORITY": "3", "MESSAGE": `no error="a\nb" after=1m0s`},
		},
		{
			"a check that is no text", func() { log.Info("ready", zap.Int("check", 3)) },
			map[string]string{"PRIORITY": "6", "MESSAGE": `ready check=3`},
		},
		{
			"a logger of a check",
			func() { log.With(zap.String("check", "a"), zap.Int("n", 1)).Info("x", zap.String("cause", "slow")) },
			map[string]string{"PRIORITY": "6", "CHECK_ID": "a", "CAUSE": "slow", "MESSAGE": `x check=a n=1 cause=slow`},
		},
		{
			"hostile words",
			func() { log.Info(hostile, zap.String("check", hostile), zap.String("evidence", hostile)) },
			map[string]string{
				"PRIORITY": "6", "CHECK_ID": hostile,
				"MESSAGE": "x PRIORITY=0 MESSAGE=all is well\ufffd[2J\ufffd \ufffd " +
					`check="x\nPRIORITY=0\nMESSAGE=all is well\x1b[2J\u202e\u0085\xff" ` +
					`evidence="x\nPRIORITY=0\nMESSAGE=all is well\x1b[2J\u202e\u0085\xff"`,
			},
		},
	} {
		test.log()
		log.Debug("below the level")
		test.want["SYSLOG_IDENTIFIER"] = "imapvigil"
		if d := cmp.Diff(test.want, received(t, l)); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
	at.SetLevel(zap.DebugLevel)
	log.Debug("deeper")
	if got := received(t, l); got["PRIORITY"] != "7" || got["MESSAGE"] != "deeper" {
		t.Errorf("got %v", got)
	}
}

// Elsewhere it is as it was: a standard error that somebody else reads, another
// format on purpose, no journald.
func TestLogElsewhere(t *testing.T) {
	standIn(t)
	for _, test := range []struct {
		name, format string
		journald     bool
		gone         bool
		json         bool
	}{
		{"a terminal", "auto", false, false, false},
		{"under systemd, as JSON", "json", true, false, true},
		{"under systemd, as text", "console", true, false, false},
		{"under systemd, with another standard error", "auto", true, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", "")
			if test.journald {
				underJournald(t)
			}
			var out bytes.Buffer
			log, q, err := newLog(&out, test.format, test.journald, zap.NewAtomicLevel())
			if err != nil {
				t.Fatal(err)
			}
			log.Info("ready")
			q.finish()
			if got := strings.HasPrefix(out.String(), "{"); got != test.json || !strings.Contains(out.String(), "ready") {
				t.Errorf("got %q", out.String())
			}
		})
	}
	underJournald(t)
	if !readByJournald(os.Stderr) {
		t.Error("the journal is there, and not used")
	}
	for _, stream := range []string{"", "8:1", "what?"} {
		t.Setenv("JOURNAL_STREAM", stream)
		if readByJournald(os.Stderr) {
			t.Errorf("with JOURNAL_STREAM=%s the journal is used", stream)
		}
	}
	underJournald(t)
	journalSocket += ".gone"
	if readByJournald(os.Stderr) {
		t.Error("there is no journal, and it is used")
	}
	if _, _, err := newLog(os.Stderr, "xml", false, zap.NewAtomicLevel()); err == nil || !strings.Contains(err.Error(), "console, json or auto") {
		t.Errorf("got %v", err)
	}
}

// What journald does not take goes where its stream is.
func TestLogWithoutJournald(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	q := newJournaldQueue(func(string, journal.Priority, map[string]string) error { return errors.New("gone") }, &out)
	zap.New(newJournald(zap.InfoLevel, q)).Warn("incident opened", zap.String("check", "a\nb"))
	q.finish()
	if want := "<4>incident opened check=\"a\\nb\"\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// A journald that is stuck delays nobody; what there was no room for is counted
// once it goes on, and nobody waits for it for ever.
func TestLogOfAStuckJournald(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		stuck := make(chan struct{})
		q := newJournaldQueue(func(message string, _ journal.Priority, _ map[string]string) error {
			<-stuck
			sent = append(sent, message)
			return nil
		}, nil)
		log := zap.New(newJournald(zap.InfoLevel, q))
		for i := range logWaits + 100 {
			log.Info(fmt.Sprint(i))
			if i == 0 {
				synctest.Wait() // it is on its way
			}
		}
		close(stuck)
		synctest.Wait()
		if n := len(sent); n != logWaits+2 || sent[0] != "0" || !strings.HasPrefix(sent[1], "99 lines lost") || sent[n-1] != fmt.Sprint(logWaits) {
			t.Errorf("%d entries: %q ...", n, sent[:2])
		}
		stuck = make(chan struct{})
		log.Info("the end")
		synctest.Wait()
		began := time.Now()
		q.finish()
		if took := time.Since(began); took != logEnds {
			t.Errorf("the end took %v", took)
		}
		close(stuck)
		synctest.Wait()
		if !slices.Contains(sent, "the end") {
			t.Error("the last entry is lost")
		}
	})
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	var got []journal.Priority
	q := newJournaldQueue(func(_ string, p journal.Priority, _ map[string]string) error {
		got = append(got, p)
		return nil
	}, nil)
	core := newJournald(zap.DebugLevel, q)
	for level := zapcore.DebugLevel; level <= zapcore.FatalLevel; level++ {
		if err := core.Write(zapcore.Entry{Level: level}, nil); err != nil {
			t.Error(err)
		}
	}
	q.finish()
	want := []journal.Priority{
		journal.PriDebug, journal.PriInfo, journal.PriWarning, journal.PriErr, journal.PriCrit, journal.PriCrit, journal.PriCrit,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
