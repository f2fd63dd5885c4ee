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
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/control"
)

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

// One named is a daemon that says its name.
type named struct {
	backend
	digest string
}

func (n *named) Status(context.Context) (control.Status, error) {
	return control.Status{Config: control.Config{Digest: n.digest}}, nil
}

// answers gives the name of who answers on a socket; "" nobody.
func answers(t *testing.T, path string) string {
	t.Helper()
	s, err := control.NewClient(path).Status(t.Context())
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
	s.SetLookEvery(time.Millisecond)
	said := make(chan string, 10)
	s.Log = func(msg string, err error) {
		if err != nil {
			msg += ": " + err.Error()
		}
		said <- msg
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, s, &backend{}) }()
	err = errors.Join(os.WriteFile(path+".new", []byte("precious"), 0o600), os.Rename(path+".new", path))
	if err != nil {
		t.Fatal(err)
	}
	if msg := <-said; !strings.Contains(msg, "cannot be made anew") || !strings.Contains(msg, "something else") {
		t.Errorf("the log says %q", msg)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "precious" {
		t.Errorf("the file was not left alone: %q, %v", text, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if msg := <-said; msg != "the control socket was gone, and was made anew" {
		t.Errorf("the log says %q", msg)
	}
	stop()
	if err := <-served; err != nil || len(said) > 0 {
		t.Errorf("%v, and the log said more", err)
	}
}
