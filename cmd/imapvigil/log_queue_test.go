package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A moodyOutput takes so many bytes of each write, gives an error with what it
// does not take, and waits while it is stuck.
type moodyOutput struct {
	bytes.Buffer
	takes int // bytes of the next write; -1: all
	err   error
	stuck chan struct{} // nil: not stuck
}

func (o *moodyOutput) Write(p []byte) (int, error) {
	if o.stuck != nil {
		<-o.stuck
	}
	if o.takes < 0 || o.takes >= len(p) {
		return o.Buffer.Write(p)
	}
	n, _ := o.Buffer.Write(p[:o.takes])
	return n, o.err
}

func newTextLog(t *testing.T, format string, out *moodyOutput) (*zap.Logger, *logQueue) {
	t.Helper()
	log, q, err := newLog(out, format, false, zap.NewAtomicLevelAt(zapcore.InfoLevel))
	if err != nil {
		t.Fatal(err)
	}
	return log, q
}

// Nobody reads: everybody goes on at once, and once somebody reads the log says
// how many lines are lost.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ format, want string }{
		{"console", "WARN\t143 lines lost: the reader of the log did not keep up, or was gone\n"},
		{"json", `"msg":"143 lines lost: the reader of the log did not keep up, or was gone"}`},
	} {
		t.Run(test.format, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &moodyOutput{takes: -1, stuck: make(chan struct{})}
				log, q := newTextLog(t, test.format, out)
				began := time.Now()
				for i := range 1 + logWaits + 143 {
					log.Info(fmt.Sprint("line ", i))
					if i == 0 {
						synctest.Wait() // it is being written
					}
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("logging took %v", took)
				}
				time.Sleep(time.Minute)
				if s := q.state(); s.Lost != 143 || s.Waiting != logWaits+1 || s.WaitingS != 60 || !s.LastLostAt.Equal(began) {
					t.Errorf("the state is %+v", s)
				}
				close(out.stuck)
				q.finish()
				if n := strings.Count(out.String(), test.want); n != 1 {
					t.Errorf("the log tells %d times of what is lost", n)
				}
				if n := strings.Count(out.String(), "line "); n != logWaits+1 {
					t.Errorf("the log has %d lines", n)
				}
				if s := q.state(); s.Lost != 143 || s.Waiting != 0 || s.WaitingS != 0 {
					t.Errorf("the state is %+v", s)
				}
			})
		})
	}
}

// Long lines cannot take more memory than many short ones.
func TestLogOfLongLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &moodyOutput{takes: -1, stuck: make(chan struct{})}
		log, q := newTextLog(t, "console", out)
		for range 20 {
			log.Info(strings.Repeat("x", 1<<20))
			synctest.Wait()
		}
		if s := q.state(); s.Waiting != 9 || s.Lost != 11 {
			t.Errorf("the state is %+v", s)
		}
		close(out.stuck)
		q.finish()
		if !strings.Contains(out.String(), "WARN\t11 lines lost: the reader of the log did not keep up, or was gone\n") {
			t.Error("the log does not say how many lines are lost")
		}
	})
}

// The end does not wait for ever.
func TestLogThatNobodyReadsAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &moodyOutput{takes: -1, stuck: make(chan struct{})}
		log, q := newTextLog(t, "console", out)
		log.Info("the end")
		began := time.Now()
		q.finish()
		if took := time.Since(began); took != logEnds {
			t.Errorf("the end took %v", took)
		}
		close(out.stuck)
	})
}

// A line that was written in part, on a disk that became full, does not run into
// the next one; what could not be written is counted, and told when there is room.
func TestLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &moodyOutput{takes: -1, err: syscall.ENOSPC}
		log, q := newTextLog(t, "json", out)
		say := func(takes int, text string) {
			out.takes = takes
			log.Info(text)
			synctest.Wait()
		}
		say(-1, "one")
		say(9, "two")
		say(0, "three")
		say(-1, "four")
		q.finish()
		var got []string
		for line := range strings.Lines(out.String()) {
			got = append(got, line)
		}
		if len(got) != 4 || got[1] != "{\"level\":\n" || !strings.Contains(got[2], "2 lines lost") || !strings.Contains(got[3], "four") {
			t.Errorf("got %q", got)
		}
		if s := q.state(); s.Lost != 2 {
			t.Errorf("the state is %+v", s)
		}
	})
}

// Another process may have set O_NONBLOCK on the terminal that is shared with it:
// nothing is lost when it is full for a moment, or takes bytes one by one.
func TestLogIntoAFullTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &moodyOutput{takes: 1, err: syscall.EAGAIN}
		_, q := newTextLog(t, "console", out)
		q.enqueue(logLine{text: "0123456789\n", plain: true})
		time.Sleep(2 * time.Second)
		if s := q.state(); out.String() != "0123456789\n" || s.Lost != 0 || s.Waiting != 0 {
			t.Errorf("got %q, %+v", out.String(), s)
		}
		q.finish()
	})
}

// One who has gone does not come back: everything is lost, and nothing else
// happens.
func TestLogReaderGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &moodyOutput{err: errors.New("broken pipe")}
		log, q := newTextLog(t, "console", out)
		for range 10 {
			log.Info("x")
			synctest.Wait()
		}
		q.finish()
		if s := q.state(); s.Lost != 10 || s.Waiting != 0 {
			t.Errorf("the state is %+v", s)
		}
	})
}
