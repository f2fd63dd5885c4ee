//go:build !quick

package bus_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// listenerEnv names the server to which a process of its own listens.
const listenerEnv = "IMAPVIGIL_BUS_LISTENER"

// runListener prints how old, in milliseconds, each message is that it hears.
func runListener() int {
	b, err := bus.Connect(context.Background(), bus.Options{
		Cluster: bustest.Cluster, Node: bustest.Follower, Servers: []string{os.Getenv(listenerEnv)},
		Log: func(message string, err error) { fmt.Println(message, err) },
	})
	if err != nil {
		return 1
	}
	_, err = b.Listen(bus.Beat, func(m bus.Message) {
		said, _ := strconv.ParseInt(string(m.Data), 10, 64)
		fmt.Println("age", time.Now().UnixMilli()-said)
	})
	if err != nil {
		return 1
	}
	select {} // until it is killed
}

// A process that is stopped for a while, as by SIGSTOP or by whoever runs the virtual machine, hears nothing
// of what was said meanwhile.
func TestAfterAPauseNothingOldIsHeard(t *testing.T) {
	t.Parallel()
	setup := one()
	setup.Plain = true
	s := bustest.Start(t, setup)
	speaker := s.Connect(t, bustest.Decider)
	var said atomic.Int64
	stop := speakAlways(t, speaker, &said)
	defer stop()
	log := filepath.Join(t.TempDir(), "log")
	listener, err := process.Launch(log, "/usr/bin/env", listenerEnv+"="+s.URL(0), os.Args[0])
	process.Must(t, err)
	t.Cleanup(func() { process.Must(t, listener.Kill()) })
	ages := func() (ages []int) {
		for line := range strings.Lines(process.ReadLog(log)) {
			if text, isAge := strings.CutPrefix(strings.TrimSpace(line), "age "); isAge {
				age, err := strconv.Atoi(text)
				process.Must(t, err)
				ages = append(ages, age)
			}
		}
		return ages
	}
	awaitMore := func(before int) {
		process.Await(t, listener, "messages", 20*time.Millisecond, func(context.Context) error {
			if got := len(ages()); got < before+20 {
				return fmt.Errorf("it has heard %d", got)
			}
			return nil
		})
	}
	awaitMore(0)
	process.Must(t, listener.Signal(syscall.SIGSTOP))
	before := len(ages())
	pauseBegan := said.Load()
	process.Await(t, listener, "the end of the pause", 20*time.Millisecond, func(context.Context) error {
		if said.Load() < pauseBegan+250 { // 5 seconds
			return fmt.Errorf("%d messages were said", said.Load()-pauseBegan)
		}
		return nil
	})
	process.Must(t, listener.Signal(syscall.SIGCONT))
	awaitMore(before)
	for _, age := range ages()[before:] {
		if age > 3500 {
			t.Errorf("heard after %d ms", age)
		}
	}
	if text := process.ReadLog(log); !strings.Contains(text, "did not run for a while") {
		t.Error("it did not notice:\n", text)
	}
}

// speakAlways says what time it is 50 times a second.
func speakAlways(t testing.TB, b bus.Bus, said *atomic.Int64) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-ticker.C:
				_ = b.Publish(bus.Beat, strconv.AppendInt(nil, now.UnixMilli(), 10))
				said.Add(1)
			}
		}
	}()
	return func() {
		cancel()
		<-over
	}
}
