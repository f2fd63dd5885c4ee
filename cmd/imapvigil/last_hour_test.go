package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// hourOf makes the history of an hour that ends at 08:00:12: a mark a minute, of which x is down, ?
// unknown, . no probe, and a digit so many tens of milliseconds.
func hourOf(marks string) (h api.CheckHistory, now time.Time) {
	now = time.Date(2026, 11, 30, 8, 0, 12, 0, time.UTC)
	for i, mark := range marks {
		p := api.HistoryPoint{At: now.Truncate(time.Minute).Add(time.Duration(i-59) * time.Minute), N: 1}
		switch mark {
		case 'x':
			p.Down = 1
		case '?':
			p.Unknown = 1
		case '.':
			continue
		default:
			p.OK = 1
			p.P50MS[config.WholeConversation] = time.Duration(mark-'0') * 10 * time.Millisecond
		}
		h.Points = append(h.Points, p)
	}
	return h, now
}

// An outage, a slow minute and a gap stay visible, however few marks there is room for.
func TestLastHour(t *testing.T) {
	t.Parallel()
	steady := strings.Repeat("2", 30) + "8" + strings.Repeat("2", 9) + "xx" + "??" + strings.Repeat("2", 6) + "...." + strings.Repeat("2", 6)
	for _, test := range []struct {
		marks string
		width int
		want  string
	}{
		{steady, 100, "last hour  ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂█▂▂▂▂▂▂▂▂▂××??▂▂▂▂▂▂····▂▂▂▂▂▂  up to 80 ms"},
		{steady, 65, "last hour  ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂█▂▂▂▂×?▂▂▂··▂▂▂  up to 80 ms"},
		{steady, 45, "last hour  ▂▂▂▂▂▂▂▂▂▂█▂▂×▂▂▂·▂▂  up to 80 ms"},
		{steady, 30, ""},
		{strings.Repeat("5", 60), 100, "last hour  " + strings.Repeat("▄", 60) + "  up to 50 ms"},
		{strings.Repeat("x", 60), 100, "last hour  " + strings.Repeat("×", 60)},
		{strings.Repeat(".", 60), 100, ""},
	} {
		h, now := hourOf(test.marks)
		hour := newLastHour(h, now)
		if got := hour.line(test.width); got != test.want || config.Columns(got) > test.width {
			t.Errorf("in %d columns\n%s\nwant\n%s", test.width, got, test.want)
		}
	}
}

// Below what is wrong with a check stands its last hour, where it is known.
func TestWatchShowsTheLastHour(t *testing.T) {
	t.Parallel()
	s := fleet(3)
	refuse(&s.Checks[0])
	h, now := hourOf(strings.Repeat("3", 50) + strings.Repeat("x", 10))
	hour := newLastHour(h, now)
	p := &program{
		out: &bytes.Buffer{}, screen: &screen{width: 80}, utc: true,
		hours: map[config.CheckID]*lastHour{s.Checks[0].ID: &hour, s.Checks[1].ID: &hour},
	}
	text := strings.Join(p.watchedLines(s, statusFilter{}, ""), "\n")
	if want := "\n               last hour  ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄×××××  up to 30 ms\n"; strings.Count(text, want) != 1 || strings.Count(text, "last hour") != 1 {
		t.Errorf("shown is\n%s", text)
	}
}

// A q ends the watched status, and the terminal is as it was.
func TestQuitKey(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/status" {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(fleet(3))
	})}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-served })

	master, terminal := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	watch := exec.CommandContext(t.Context(), "imapvigil", "status", "--watch", "--control", socket)
	watch.Stdin, watch.Stdout, watch.Stderr = terminal, terminal, terminal
	watch.Env = append(watch.Environ(), "TERM=xterm")
	watch.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // of which fd 0 is the terminal
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	buffer := make([]byte, 4096)
	for !strings.Contains(shown.String(), "3 checks: 3 ok") {
		n, err := master.Read(buffer)
		if err != nil {
			t.Fatalf("%v; shown is %q", err, shown.String())
		}
		shown.Write(buffer[:n])
	}
	if _, err := io.WriteString(master, "xq"); err != nil {
		t.Fatal(err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	after, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is %+v, and was %+v (%v)", after, before, err)
	}
}
