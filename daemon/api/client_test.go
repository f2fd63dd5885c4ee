package api_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/api"
)

func start(t *testing.T) (*fake, *api.Client) {
	t.Helper()
	b := &fake{snapshot: shown(t)}
	return b, serve(t, api.Handler(b))
}

// serve returns a client of a daemon that answers with h.
func serve(t *testing.T, h http.Handler) *api.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() { defer close(served); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-served })
	return api.NewClient(path)
}

// After an upgrade, the daemon of before runs until it is restarted.
func TestADaemonOfAnotherVersion(t *testing.T) {
	before := http.NewServeMux()
	before.HandleFunc("GET /v1/plan", func(http.ResponseWriter, *http.Request) {})
	client := serve(t, before)
	_, unknown := client.Check(t.Context(), "mx1/imaps")
	_, otherMethod := client.Plan(t.Context(), &source.Parcel{})
	for _, err := range []error{unknown, otherMethod} {
		if err == nil || !strings.Contains(err.Error(), "it is of another version than this command; restart it") {
			t.Errorf("got %v", err)
		}
	}
}

func TestWhatCrossesTheSocket(t *testing.T) {
	b, client := start(t)
	ctx := t.Context()
	if s, err := client.Status(ctx); err != nil || s.Config.Digest != "d1" {
		t.Errorf("status: %+v, %v", s, err)
	}
	if c, err := client.Check(ctx, "mx1/imaps"); err != nil || c.CheckDetail == nil || len(c.Last) != 1 || len(c.History) != 1 || len(c.Silences) != 1 {
		t.Errorf("check: %+v, %v", c, err)
	}
	if _, err := client.Check(ctx, "mx1/no"); err == nil || err.Error() != `there is no check "mx1/no"` {
		t.Errorf("a check that does not exist: %v", err)
	}
	if list, err := client.Incidents(ctx); err != nil || len(list.Incidents) != 1 || list.Incidents[0].Check != "mx1/imaps" {
		t.Errorf("incidents: %+v, %v", list, err)
	}
	got, err := client.Reload(ctx, true)
	if diff := cmp.Diff(verdict, got); err != nil || diff != "" || !b.shrink {
		t.Errorf("reload: %v, shrink %v\n%s", err, b.shrink, diff)
	}
	if plan, err := client.Plan(ctx, &source.Parcel{Path: "/etc/a b&c"}); err != nil || plan.Added[0] != "/etc/a b&c" || plan.Orphaned[0] != "abc" || plan.Kept[0].ID != "def" {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	if trial, err := client.NotifyTest(ctx, "it team"); err != nil || trial.Role != "it team" {
		t.Errorf("notify-test: %+v, %v", trial, err)
	}
	held, err := client.Explain(ctx, "dead0beef0")
	want := []api.Held{
		{
			Notifier: "slack.workspace", Kind: "slack", Target: "#mail-ops", Roles: []config.RoleID{"it_team"}, Transition: "incident.opened",
			Reason: "schedule", Until: &noon, Detail: "outside schedule night",
		},
		{Roles: []config.RoleID{}, Reason: "nobody", Detail: "no notification role is notified of this check"},
	}
	if diff := cmp.Diff(want, held); err != nil || diff != "" {
		t.Errorf("why not told: %v\n%s", err, diff)
	}
	if _, err := client.Explain(ctx, "other"); err == nil || err.Error() != "there is no incident other" {
		t.Errorf("why not told of an incident that does not exist: %v", err)
	}
	question := api.Question{Check: "mx1/imaps", Condition: config.ConditionService, Severity: config.SeverityDown, Begins: noon}
	forecast, err := client.Foresee(ctx, question)
	wantForecast := api.Forecast{
		Check: "mx1/imaps", Condition: "service", Severity: "down", FailsAt: noon, ReportedAt: noon.Add(3 * time.Minute), Remind: "4h", Source: "daemon",
		Notified: []api.ForecastMessage{{
			Role: "it_team", Roles: []config.RoleID{"it_team"}, Notifier: "slack.workspace", Kind: "slack", Target: "#mail-ops",
			Transition: "incident.opened", At: noon.Add(time.Hour), Waited: "schedule", Detail: "outside schedule day", Name: "day",
		}},
		Held: forecast.Held, // as above
	}
	if diff := cmp.Diff(wantForecast, forecast); err != nil || diff != "" || len(forecast.Held) != 1 {
		t.Errorf("who: %v\n%s", err, diff)
	}
	question.Check = "mx 2&x"
	if _, err := client.Foresee(ctx, question); err == nil || err.Error() != "the daemon has no check mx 2&x" {
		t.Errorf("who of a check that does not exist: %v", err)
	}
	until := time.Date(2026, 1, 6, 8, 0, 0, 0, time.UTC)
	acked, err := client.Acknowledge(ctx, "abc", "on it", until)
	if err != nil || b.acked != "abc" || !b.until.Equal(until) || acked.Before == nil || acked.Before.By != "bert" || acked.Check != "mx1/imaps" {
		t.Errorf("ack: %v, %s until %v: %+v", err, b.acked, b.until, acked)
	}
	ended, err := client.Unacknowledge(ctx, "abc")
	if err != nil || b.acked != "" || ended.Before == nil || ended.Before.Until == nil || !ended.Before.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("unack: %v, %+v", err, ended)
	}
}

// Who asks is kept with what is done: who is named, or else who types.
func TestAuthors(t *testing.T) {
	b, client := start(t)
	for _, test := range []struct {
		says api.Signature
		want string
	}{{api.Signature{}, ""}, {api.Signature{User: "anna"}, "anna"}, {api.Signature{By: "bert", User: "anna"}, "bert"}} {
		client.Signature = test.says
		ctx := t.Context()
		for name, do := range map[string]func() (by string, err error){
			"ack":   func() (string, error) { a, err := client.Acknowledge(ctx, "abc", "x", time.Time{}); return a.By, err },
			"unack": func() (string, error) { a, err := client.Unacknowledge(ctx, "abc"); return a.By, err },
			"silence": func() (string, error) {
				s, err := client.Silence(ctx, api.Scope{Check: "mx1/imaps"}, "x", noon)
				b.by = s.By
				return s.By, err
			},
			"a dismissal": func() (string, error) { err := client.Dismiss(ctx, "iv_1"); return b.by, err },
			"its end":     func() (string, error) { _, err := client.EndSilence(ctx, "s1"); return b.by, err },
		} {
			b.by = "nobody"
			if by, err := do(); err != nil || by != test.want || b.by != test.want {
				t.Errorf("%s of %+v is kept as that of %q (%q), %v", name, test.says, by, b.by, err)
			}
		}
	}
}

// A text of 300,000 characters crosses, however JSON spells it; what is longer
// than a request may be is refused in words.
func TestLongTexts(t *testing.T) {
	_, client := start(t)
	for name, text := range map[string]string{
		"letters": strings.Repeat("x", 300_000), "escaped": strings.Repeat("\x1b<", 150_000), "emoji": strings.Repeat("\U0001F4A5", 300_000),
	} {
		if _, err := client.Acknowledge(t.Context(), "abc", text, time.Time{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := client.Acknowledge(t.Context(), "abc", strings.Repeat("x", 30<<20), time.Time{})
	if err == nil || err.Error() != "the request has more than 4194304 bytes" {
		t.Errorf("30 MiB: %v", err)
	}
}

func TestSilencesCrossTheSocket(t *testing.T) {
	_, client := start(t)
	ctx := t.Context()
	until := time.Date(2026, 1, 6, 8, 0, 0, 0, time.UTC)
	want := api.Silence{ID: "s1", Scope: api.Scope{Group: "europe/spain"}, Reason: "new racks", Until: until}
	got, err := client.Silence(ctx, want.Scope, want.Reason, until)
	if diff := cmp.Diff(want, got.Silence); err != nil || diff != "" || !got.Gone {
		t.Errorf("%v, gone: %v\n%s", err, got.Gone, diff)
	}
	if list, err := client.Silences(ctx, false); err != nil || len(list.Silences) != 1 || list.Silences[0].ID != "c0ffee" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := client.EndSilence(ctx, "s 2"); err == nil || err.Error() != "there is no silence s 2" {
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
	if diff := cmp.Diff(d, api.NewDiagnostics([]config.Diagnostic{d})[0].Config()); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyAnswers(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 108))
	want := fmt.Sprintf("no daemon answers on %s: the path of a socket has at most 107 bytes, and this has %d", long, len(long))
	if _, err := api.NewClient(long).Status(t.Context()); !errors.Is(err, api.ErrNoDaemon) || err.Error() != want {
		t.Errorf("a path that is too long: %v", err)
	}

	_, err := api.NewClient(filepath.Join(t.TempDir(), "none.sock")).Status(t.Context())
	if !errors.Is(err, api.ErrNoDaemon) {
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
	c := api.NewClient(path)
	c.Patience = 10 * time.Millisecond
	_, err = c.Status(t.Context())
	if !errors.Is(err, api.ErrNoDaemon) || !strings.Contains(err.Error(), "it hangs") {
		t.Errorf("got %v", err)
	}
	if _, err := c.Incidents(t.Context()); !errors.Is(err, api.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

// A client that finds the queue of the socket full tries again until its patience
// ends; then it says what that means.
func TestAQueueThatIsFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		c, err := net.Dial("unix", path)
		if err != nil {
			if !errors.Is(err, unix.EAGAIN) {
				t.Fatal(err)
			}
			break
		}
		defer func() { _ = c.Close() }()
	}
	client := api.NewClient(path)
	client.Patience = 50 * time.Millisecond
	if _, err := client.Status(t.Context()); !errors.Is(err, api.ErrNoDaemon) || !strings.Contains(err.Error(), "it hangs, or this machine is overloaded") {
		t.Errorf("got %v", err)
	}
}

// Files are sent to nobody but a trusted daemon; what is only asked goes to any.
func TestFilesAreForTrustedDaemons(t *testing.T) {
	_, client := start(t)
	client.Trusts = func(uid uint32) bool { return int(uid) != os.Geteuid() }
	_, err := client.Plan(t.Context(), &source.Parcel{})
	if err == nil || !strings.Contains(err.Error(), "the files are not sent to it") || !strings.Contains(err.Error(), "--control") {
		t.Errorf("got %v", err)
	}
	if _, err := client.Plan(t.Context(), nil); err != nil {
		t.Error(err)
	}
	client.Trusts = func(uid uint32) bool { return int(uid) == os.Geteuid() }
	if _, err := client.Plan(t.Context(), &source.Parcel{}); err != nil {
		t.Error(err)
	}
}

// More files than a daemon takes are refused in words.
func TestFilesAreBounded(t *testing.T) {
	_, client := start(t)
	large := source.Parcel{Files: []source.ParcelFile{{Name: "a.hcl", Text: make([]byte, api.MostFiles)}}}
	_, err := client.Plan(t.Context(), &large)
	if err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") {
		t.Errorf("got %v", err)
	}
}
