package control_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/control"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend remembers what it was asked.
type backend struct {
	shrink bool
	acked  incident.ID
	until  time.Time
}

var verdict = control.Verdict{
	Result: control.RejectedWord, Digest: "d1",
	Diagnostics: control.NewDiagnostics([]config.Diagnostic{{
		Gravity: config.Error, Summary: "Unknown attribute", Detail: "Did you mean port?",
		Pos: config.Pos{File: "a.hcl", Line: 3, Column: 5}, Excerpt: "  prot = 1", Mark: [2]int{2, 6},
	}}),
}

func (b *backend) Status(context.Context) (control.Status, error) {
	return control.Status{Config: control.Config{State: control.Current, Digest: "d1"}}, nil
}

func (b *backend) Incidents(context.Context) ([]control.Incident, error) {
	return []control.Incident{{ID: "abc", Check: "mx1/imaps"}}, nil
}

func (b *backend) Reload(_ context.Context, shrink bool) (control.Verdict, error) {
	b.shrink = shrink
	return verdict, nil
}

func (b *backend) Plan(_ context.Context, path string) (control.Plan, error) {
	d := config.Compare(nil, nil)
	d.Added = append(d.Added, config.CheckID(path))
	return control.Plan{Diff: d, Orphaned: []incident.ID{"abc"}, Kept: []control.KeptIncident{{ID: "def", Check: "mx1/imaps"}}}, nil
}

func (b *backend) Recheck(_ context.Context, id config.CheckID) (incident.Report, error) {
	return incident.Report{}, errors.New("there is no check " + string(id))
}

func (b *backend) NotifyTest(_ context.Context, id config.RoleID) (control.Trial, error) {
	return control.Trial{Role: id}, nil
}

func (b *backend) Acknowledge(_ context.Context, id incident.ID, _ string, until time.Time) error {
	b.acked, b.until = id, until
	return nil
}

func (b *backend) Silence(_ context.Context, scope control.Scope, reason string, until time.Time) (control.Silence, error) {
	return control.Silence{ID: "s1", Scope: scope, Reason: reason, Until: until}, nil
}

func (b *backend) Silences(context.Context) ([]control.Silence, error) {
	return []control.Silence{{ID: "s1"}}, nil
}

func (b *backend) EndSilence(_ context.Context, id string) error {
	return errors.New("there is no silence " + id)
}

func (b *backend) Redeliver(_ context.Context, key string) error {
	return errors.New("there is no delivery " + key)
}

func start(t *testing.T) (*backend, *control.Client) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "run", "control.sock")
	b := &backend{}
	serve(t, socket, b)
	return b, control.NewClient(socket)
}

// serve answers on a socket until the test ends, or stop is called, and looks at the
// socket all the time.
func serve(t *testing.T, path string, b control.Backend) (s *control.Socket, stop func()) {
	t.Helper()
	return serveLooking(t, path, b, time.Millisecond)
}

// serveLooking is serve with a pause between two looks at the socket.
func serveLooking(t *testing.T, path string, b control.Backend, every time.Duration) (s *control.Socket, stop func()) {
	t.Helper()
	s, err := control.Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.SetLookEvery(every)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, s, b) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

func TestWhatCrossesTheSocket(t *testing.T) {
	b, client := start(t)
	ctx := t.Context()
	if s, err := client.Status(ctx); err != nil || s.Config.Digest != "d1" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if list, err := client.Incidents(ctx); err != nil || len(list.Incidents) != 1 || list.Incidents[0].ID != "abc" {
		t.Errorf("incidents: %+v, %v", list, err)
	}
	got, err := client.Reload(ctx, true)
	if diff := cmp.Diff(verdict, got); err != nil || diff != "" || !b.shrink {
		t.Errorf("reload: %v, shrink %v\n%s", err, b.shrink, diff)
	}
	if plan, err := client.Plan(ctx, "/etc/a b&c"); err != nil || plan.Added[0] != "/etc/a b&c" || plan.Orphaned[0] != "abc" || plan.Kept[0].ID != "def" {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	if trial, err := client.NotifyTest(ctx, "it team"); err != nil || trial.Role != "it team" {
		t.Errorf("notify-test: %+v, %v", trial, err)
	}
	until := time.Date(2026, 1, 6, 8, 0, 0, 0, time.UTC)
	if err := client.Acknowledge(ctx, "abc", "on it", until); err != nil || b.acked != "abc" || !b.until.Equal(until) {
		t.Errorf("ack: %v, %s until %v", err, b.acked, b.until)
	}
}

// A text of 300,000 characters crosses, however JSON spells it; what is longer
// than a request may be is refused in words.
func TestLongTexts(t *testing.T) {
	_, client := start(t)
	for name, text := range map[string]string{
		"letters": strings.Repeat("x", 300_000), "escaped": strings.Repeat("\x1b<", 150_000), "emoji": strings.Repeat("\U0001F4A5", 300_000),
	} {
		if err := client.Acknowledge(t.Context(), "abc", text, time.Time{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := client.Acknowledge(t.Context(), "abc", strings.Repeat("x", 30<<20), time.Time{})
	if err == nil || err.Error() != "the request has more than 4194304 bytes" {
		t.Errorf("30 MiB: %v", err)
	}
}

func TestSilencesCrossTheSocket(t *testing.T) {
	_, client := start(t)
	ctx := t.Context()
	until := time.Date(2026, 1, 6, 8, 0, 0, 0, time.UTC)
	want := control.Silence{ID: "s1", Scope: control.Scope{Group: "europe/germany"}, Reason: "new racks", Until: until}
	got, err := client.Silence(ctx, want.Scope, want.Reason, until)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if list, err := client.Silences(ctx); err != nil || len(list.Silences) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := client.EndSilence(ctx, "s 2"); err == nil || err.Error() != "there is no silence s 2" {
		t.Errorf("got %v", err)
	}
	if err := client.Redeliver(ctx, "iv_x"); err == nil || err.Error() != "there is no delivery iv_x" {
		t.Errorf("got %v", err)
	}
}

func TestTheDaemonsRefusalIsTheClientsError(t *testing.T) {
	_, client := start(t)
	_, err := client.Recheck(t.Context(), "mx9/imaps")
	if err == nil || err.Error() != "there is no check mx9/imaps" {
		t.Errorf("got %v", err)
	}
}

func TestDiagnosticsComeBackWhole(t *testing.T) {
	d := config.Diagnostic{
		Gravity: config.Warning, Summary: "s", Detail: "d", Pos: config.Pos{File: "f", Line: 1, Column: 2},
		Excerpt: "x", Mark: [2]int{0, 1},
	}
	if diff := cmp.Diff(d, control.NewDiagnostics([]config.Diagnostic{d})[0].Config()); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyAnswers(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 108))
	want := fmt.Sprintf("no daemon answers on %s: the path of a socket has at most 107 bytes, and this has %d", long, len(long))
	if _, err := control.NewClient(long).Status(t.Context()); !errors.Is(err, control.ErrNoDaemon) || err.Error() != want {
		t.Errorf("a path that is too long: %v", err)
	}

	_, err := control.NewClient(filepath.Join(t.TempDir(), "none.sock")).Status(t.Context())
	if !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

// A daemon that hangs, or is stopped, does not hang those who ask.
func TestTheDaemonHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "frozen.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}) // connects, and nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c := control.NewClient(path)
	c.SetPatience(10 * time.Millisecond)
	_, err = c.Status(t.Context())
	if !errors.Is(err, control.ErrNoDaemon) || !strings.Contains(err.Error(), "it hangs") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Incidents(t.Context()); !errors.Is(err, control.ErrNoDaemon) {
		t.Errorf("got %v", err)
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
	if _, err := control.NewClient(file).Status(t.Context()); !errors.Is(err, control.ErrNoDaemon) || !strings.Contains(err.Error(), "no socket; remove it") {
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
