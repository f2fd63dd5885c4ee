package control_test

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// A voluble backend has more to say than a socket holds, and takes its time with
// one check.
type voluble struct {
	api.Daemon
	asked chan struct{}
	begin chan struct{}
}

func (v *voluble) Snapshot(context.Context) (*tracker.Snapshot, error) {
	return &tracker.Snapshot{}, nil
}

func (v *voluble) Self() api.Self {
	return api.Self{Notes: []string{strings.Repeat("x", 1<<18)}}
}

func (v *voluble) Recheck(context.Context, config.CheckID) (api.Report, error) {
	close(v.asked)
	<-v.begin
	return api.Report{ID: "a"}, nil
}

// connect opens a connection that sends a text and then does nothing.
func connect(t *testing.T, path, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// However many clients let the daemon wait, there are never more than 64, those
// who ask and read are answered, and whoever waits for the daemon is not sent away.
func TestClientsThatLetTheDaemonWait(t *testing.T) {
	for name, text := range map[string]string{
		"silent":              "",
		"asking by halves":    "GET /v1/status HTTP/1.1\r\nHost: x\r\n",
		"not reading":         "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n",
		"sending half a body": "POST /v1/ack HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"asking nonsense":     "\x16\x03\x01",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.sock")
			b := &voluble{asked: make(chan struct{}), begin: make(chan struct{})}
			s, _ := serve(t, path, b)
			var waiting sync.WaitGroup
			waiting.Go(func() {
				if r, err := api.NewClient(path).Recheck(context.Background(), "a"); err != nil || r.ID != "a" {
					t.Errorf("who waited for the daemon got %v, %v", r, err)
				}
			})
			<-b.asked
			for range control.MostClients + 20 {
				connect(t, path, text)
			}
			for range 3 {
				if _, err := api.NewClient(path).Status(t.Context()); err != nil {
					t.Errorf("who asks gets %v", err)
				}
			}
			if n := s.Clients(); n > control.MostClients {
				t.Errorf("%d clients are served at a time", n)
			}
			close(b.begin)
			waiting.Wait()
		})
	}
}

// Where there are few descriptors there are fewer places, and whoever asks gets one.
func TestFewPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	s, err := control.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.Most = 3
	ctx, stop := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := control.Serve(ctx, s, api.Handler(&voluble{})); err != nil {
			t.Error(err)
		}
	})
	defer serving.Wait()
	defer stop()
	for range 20 {
		connect(t, path, "GET /v1/status HT")
	}
	c := api.NewClient(path)
	c.Patience = time.Minute // a busy machine
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if n := s.Clients(); n > 3 {
		t.Errorf("%d clients are served at a time", n)
	}
}

// All who ask at once are answered.
func TestManyClients(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	s, _ := serve(t, path, &voluble{})
	var asking sync.WaitGroup
	for range control.MostClients + 40 {
		asking.Go(func() {
			c := api.NewClient(path)
			c.Patience = time.Minute // a busy machine
			if _, err := c.Status(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	eventually(t, "all places are free", func() bool { return s.Clients() == 0 })
}
