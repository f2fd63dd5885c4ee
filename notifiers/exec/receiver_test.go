package exec_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/exec"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

const canary = `hunter2"+&/canary`

// program writes a script that is run as it is, and returns its path.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// settings leads to a program with arguments.
func settings(command ...string) exec.Settings {
	return exec.Settings{Command: notifiers.JoinList(command), Input: "json", Timeout: exec.DefaultTimeout}
}

func open(t *testing.T, s exec.Settings) notifiers.Notifier {
	t.Helper()
	n, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// A receiver is a program that keeps what it gets, and misbehaves as the suite wants it.
type receiver struct {
	t       *testing.T
	dir     string
	path    string
	reached chan struct{}
}

// A run is what the program was given.
type run struct{ args, env, stdin string }

func startReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, dir: t.TempDir(), reached: make(chan struct{}, 64)}
	fifo := r.listen()
	r.path = program(t, fmt.Sprintf(`
dir=%q fifo=%q
keep() {
	next=$dir/$(ls "$dir" | grep -c '^run')
	mkdir "$next.part" && printf '%%s\n' "$@" >"$next.part/args" && env >"$next.part/env" && cat >"$next.part/stdin" &&
	mv "$next.part" "$dir/run$(printf %%04d "$(ls "$dir" | grep -c '^run')")"
}
[ -e "$dir/behaviour" ] || { keep "$@"; exit 0; }
echo reached >"$fifo"
. "$dir/behaviour"
`, r.dir, fifo))
	return r
}

// listen makes a pipe to which the program writes when it misbehaves.
func (r *receiver) listen() string {
	fifo := filepath.Join(r.t.TempDir(), "reached")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		r.t.Fatal(err)
	}
	file, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for line := make([]byte, len("reached\n")); ; {
			if _, err := file.Read(line); err != nil {
				return
			}
			r.reached <- struct{}{}
		}
	}()
	r.t.Cleanup(func() { _ = file.Close(); <-ended })
	return fifo
}

func (r *receiver) Behave(fault notifiertest.Fault) {
	everything := `stdin=$(cat); for form in "$SECRET" "$(printf %s "$SECRET" | base64)" "$(env | base64 -w0)" "$*" "$(env)" "$stdin"; do printf 'bad: %s\n' "$form" >&2; done; exit 65`
	script := map[notifiertest.Fault]string{
		notifiertest.Stall:  "exec sleep 1000",
		notifiertest.HangUp: "kill -9 $$",
		notifiertest.Busy:   "echo later >&2; exit 75",
		notifiertest.Broken: "echo oops >&2; exit 1",
		notifiertest.Refuse: "echo nobody >&2; exit 67",
		notifiertest.Echo:   everything,
		notifiertest.Rude:   `keep "$@"; printf '%s\n' '` + strings.ReplaceAll(notifiertest.HostileWords, "\x00", "") + `'`,
		notifiertest.Scorn:  `printf '%s\n' '` + strings.ReplaceAll(notifiertest.HostileWords, "\x00", "") + `' >&2; exit 77`,
	}[fault]
	behaviour := filepath.Join(r.dir, "behaviour")
	if script == "" {
		_ = os.Remove(behaviour)
		return
	}
	if err := os.WriteFile(behaviour, []byte(script+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *receiver) Reached() <-chan struct{} { return r.reached }

func (r *receiver) Received() (received []notifiertest.Received) {
	for _, got := range r.runs() {
		text, key := got.stdin, ""
		for line := range strings.Lines(got.env) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "IMAPVIGIL_KEY="); ok {
				key = value
			}
		}
		var body struct{ Text struct{ Body string } }
		if json.Unmarshal([]byte(text), &body) == nil {
			text = strings.TrimSpace(text) + "\n" + body.Text.Body
		}
		received = append(received, notifiertest.Received{Key: key, Text: got.args + "\n" + text})
	}
	return received
}

// runs gives what the program was given, in order.
func (r *receiver) runs() (all []run) {
	dirs, err := filepath.Glob(filepath.Join(r.dir, "run*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, dir := range dirs {
		var parts [3]string
		for i, name := range []string{"args", "env", "stdin"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				r.t.Fatal(err)
			}
			parts[i] = string(data)
		}
		all = append(all, run{parts[0], parts[1], parts[2]})
	}
	return all
}

func TestConformance(t *testing.T) {
	for name, change := range map[string]func(*exec.Settings){
		"json":  func(*exec.Settings) {},
		"text":  func(s *exec.Settings) { s.Input = "text" },
		"batch": func(s *exec.Settings) { s.Batch, s.Input = true, "text" },
	} {
		t.Run(name, func(t *testing.T) {
			notifiertest.Run(t, func(t *testing.T) notifiertest.Channel {
				r := startReceiver(t)
				s := settings(r.path, "--to={to}", "--title={subject}", "{short}", "{type}", "{severity}", "{check}", "{incident}", "{url}")
				s.Env = opaque.NewSecret(notifiers.JoinMap(map[string]string{"SECRET": canary}))
				change(&s)
				return notifiertest.Channel{
					Settings: s, Target: exec.Target{To: "ops"}, Written: notifiers.Values{"to": {List: []string{"ops"}}},
					Receiver: r, Canary: canary,
					Trusts: notifiertest.TrustsAnything("what a program proves is its exit status"),
				}
			})
		})
	}
}
