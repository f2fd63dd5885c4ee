package control_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// eventually waits until cond is true. There is nothing to be told by: who else
// connects, or deletes, is another process.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}

// serve answers on a socket until the test ends, or stop is called, and looks at the
// socket all the time.
func serve(t *testing.T, path string, d api.Daemon) (s *control.Socket, stop func()) {
	t.Helper()
	return serveLooking(t, path, d, time.Millisecond)
}

// serveLooking is serve with a pause between two looks at the socket.
func serveLooking(t *testing.T, path string, d api.Daemon, every time.Duration) (s *control.Socket, stop func()) {
	t.Helper()
	s, err := control.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.SetCheckEvery(every)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, s, api.Handler(d)) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// One named is a daemon that says its name.
type named struct {
	api.Daemon
	digest string
}

func (n *named) Snapshot(context.Context) (*tracker.Snapshot, error) { return &tracker.Snapshot{}, nil }

func (n *named) Self() api.Self { return api.Self{Config: api.Config{Digest: n.digest}} }

// answers gives the name of who answers on a socket; "" nobody.
func answers(t *testing.T, path string) string {
	t.Helper()
	s, err := api.NewClient(path).Status(t.Context())
	if err != nil {
		return ""
	}
	return s.Config.Digest
}

// A socket that has vanished from its path is made anew; what somebody else has put
// there is left alone until he is gone.
func TestTheSocketComesBack(t *testing.T) {
	listenAside := func(t *testing.T, path string) *net.UnixListener {
		t.Helper()
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		return l
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, lose := range map[string]func(t *testing.T, path string){
		"deleted": func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"renamed": func(t *testing.T, path string) { must(t, os.Rename(path, path+".gone")) },
		"with its directory": func(t *testing.T, path string) {
			must(t, os.RemoveAll(filepath.Dir(path)))
		},
		"replaced by a socket that nobody listens on": func(t *testing.T, path string) {
			must(t, listenAside(t, path+".new").Close())
			must(t, os.Rename(path+".new", path))
		},
		"replaced by another daemon's, which ends": func(t *testing.T, path string) {
			other := listenAside(t, path+".new")
			go func() {
				_ = http.Serve(other, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, `{"config":{"digest":"other"}}`)
				}))
			}()
			must(t, os.Rename(path+".new", path))
			for range 20 {
				if who := answers(t, path); who != "other" {
					t.Fatalf("it is %q who answers, not the other daemon", who)
				}
			}
			must(t, other.Close())
		},
		"again and again": func(t *testing.T, path string) {
			for range 3 {
				must(t, os.Remove(path))
				eventually(t, "it is back", func() bool { return answers(t, path) == "mine" })
			}
			must(t, os.Remove(path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "run", "c.sock")
			_, stop := serve(t, path, &named{digest: "mine"})
			if who := answers(t, path); who != "mine" {
				t.Fatalf("it is %q who answers", who)
			}
			lose(t, path)
			eventually(t, "the daemon answers again", func() bool { return answers(t, path) == "mine" })
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			stop()
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left behind: %v", err)
			}
		})
	}
}

// At its end a daemon removes its own socket, and no other.
func TestTheSocketOfAnotherStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	_, stop := serveLooking(t, path, &named{digest: "mine"}, time.Hour)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	serve(t, path, &named{digest: "other"})
	stop()
	if who := answers(t, path); who != "other" {
		t.Errorf("it is %q who answers", who)
	}
}

// A file that took the socket's place is left alone, and said.
func TestTheLogTellsOfTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	s, err := control.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.SetCheckEvery(time.Millisecond)
	said := make(chan string, 10)
	s.Log = func(msg string, err error) {
		if err != nil {
			msg += ": " + err.Error()
		}
		said <- msg
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, s, api.Handler(&named{})) }()
	err = errors.Join(os.WriteFile(path+".new", []byte("precious"), 0o600), os.Rename(path+".new", path))
	if err != nil {
		t.Fatal(err)
	}
	if msg := <-said; !strings.Contains(msg, "cannot be recreated") || !strings.Contains(msg, "something else") {
		t.Errorf("the log says %q", msg)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file was not left alone: %q, %v", text, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if msg := <-said; msg != "the control socket was gone and has been recreated" {
		t.Errorf("the log says %q", msg)
	}
	stop()
	if err := <-served; err != nil || len(said) > 0 {
		t.Errorf("%v, and the log said more", err)
	}
}

// An abandoned socket is replaced; one that is answered on, and a file that is
// no socket at all, are left alone.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	abandoned := filepath.Join(dir, "abandoned.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: abandoned, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	again, err := control.Listen(t.Context(), abandoned)
	if err != nil {
		t.Fatalf("an abandoned socket was not replaced: %v", err)
	}
	defer func() { _ = again.Close() }()
	if info, err := os.Stat(abandoned); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := control.Listen(t.Context(), abandoned); err == nil || !strings.Contains(err.Error(), "another imapvigil answers there") {
		t.Errorf("a socket that is answered on: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(t.Context(), file); err == nil || !strings.Contains(err.Error(), "something else") {
		t.Errorf("a file was taken for a socket: %v", err)
	}
	if _, err := api.NewClient(file).Status(t.Context()); !errors.Is(err, api.ErrNoDaemon) || !strings.Contains(err.Error(), "not a socket; remove it") {
		t.Errorf("a client of a file: %v", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 108))
	if _, err := control.Listen(t.Context(), long); err == nil || !strings.Contains(err.Error(), "at most 107 bytes") {
		t.Errorf("a path that is too long: %v", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file is gone: %q, %v", text, err)
	}
}
