package exec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/exec"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notify runs a script for a message, within a time that no run here takes.
func notify(t *testing.T, script string, change func(*exec.Settings)) (notifiers.Receipt, error) {
	t.Helper()
	s := settings(program(t, script))
	if change != nil {
		change(&s)
	}
	return open(t, s).Notify(t.Context(), exec.Target{}, notifiertest.Message("k"))
}

// What the program reads, and is given in arguments and in its environment, for every message.
func TestRuns(t *testing.T) {
	for _, kind := range []string{"json", "text"} {
		for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
			r := startReceiver(t)
			s := settings(r.path, "--to={to}", "{subject}", "-s={short}", "{type}", "{severity}", "{check}", "{incident}", "{url}", "{\"a\": {}}")
			s.Input, s.Batch = kind, true
			if _, err := open(t, s).Notify(t.Context(), exec.Target{To: "ops@example.net"}, m); err != nil {
				t.Fatal(err)
			}
			got := r.runs()[0]
			name := "testdata/" + kind + "/" + strings.TrimPrefix(m.Key, "key-") + ".txt"
			golden.Compare(t, name, "-- arguments --\n"+got.args+"-- environment --\n"+environment(got.env)+"-- input --\n"+indented(got.stdin))
		}
	}
}

// environment leaves out what the shell sets.
func environment(text string) string {
	lines := slices.Sorted(strings.Lines(text))
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return regexp.MustCompile("^(PWD|_|OLDPWD|SHLVL)=").MatchString(line) }), "")
}

func indented(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// Nothing of the daemon's own environment gets to the program, and what env says does.
func TestEnvironment(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	r := startReceiver(t)
	s := settings(r.path)
	s.Env = opaque.NewSecret(notifiers.JoinMap(map[string]string{"HOME": "/var/lib/page", "TOKEN": "a b\"c"}))
	if _, err := open(t, s).Notify(t.Context(), exec.Target{}, notifiertest.Message("k")); err != nil {
		t.Fatal(err)
	}
	const want = `HOME=/var/lib/page
IMAPVIGIL_CHECK=mx1/office
IMAPVIGIL_INCIDENT=01JD6Z
IMAPVIGIL_KEY=k
IMAPVIGIL_SEVERITY=down
IMAPVIGIL_TYPE=incident.opened
IMAPVIGIL_URL=https://status.example.org/incidents/01JD6Z
LANG=C.UTF-8
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
TOKEN=a b"c
TZ=CET
`
	if got := environment(r.runs()[0].env); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// What an exit status says, and whose last words are told.
func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		script    string
		want      string
		permanent bool
	}{
		{"exit 64", "page: exit status 64", true},
		{"exit 65", "exit status 65", true},
		{"exit 66", "exit status 66", true},
		{"exit 67", "exit status 67", true},
		{"exit 68", "exit status 68", true},
		{"exit 77", "exit status 77", true},
		{"exit 78", "exit status 78", true},
		{"exec /bin/sh -c /", "exit status 126: ", true},
		{"no-such-program", "exit status 127: ", true},
		{"exit 1", "exit status 1", false},
		{"exit 2", "exit status 2", false},
		{"exit 69", "exit status 69", false},
		{"exit 70", "exit status 70", false},
		{"echo first >&2; echo 'no route' >&2; echo >&2; exit 75", "exit status 75: no route", false},
		{"echo 'on stdout'; exit 75", "exit status 75: on stdout", false},
		{"exit 255", "exit status 255", false},
		{"kill -SEGV $$", "ended by signal 11 (segmentation fault)", false},
		{"kill -KILL $$", "ended by signal 9 (killed)", false},
		{"printf '\\033[2J\\000\\377 \\342\\200\\256' >&2; exit 1", `exit status 1: \x1b[2J\x00\xff \u{202e}`, false},
		{"head -c 300 /dev/zero | tr '\\0' x >&2; exit 1", "exit status 1: " + strings.Repeat("x", 200) + "...", false},
	} {
		receipt, err := notify(t, test.script, nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || notifiers.IsPermanent(err) != test.permanent || !receipt.Answer.IsZero() {
			t.Errorf("%s: %v (permanent: %v), want %q", test.script, err, notifiers.IsPermanent(err), test.want)
		}
	}
}

// The receipt is the first line that says something.
func TestReceipts(t *testing.T) {
	for script, want := range map[string]string{
		"":                                     "exit status 0",
		"echo; echo '  message 7 '; echo more": "message 7",
		"echo words >&2":                       "exit status 0",
		"head -c 300 /dev/zero | tr '\\0' x":   strings.Repeat("x", 200) + "...",
		"printf 'id \\033[31m7'":               `id \x1b[31m7`,
		"echo \"token $TOKEN of $(pwd)\"; exit 0": "token (sensitive) of /",
	} {
		receipt, err := notify(t, script, func(s *exec.Settings) {
			s.Env = opaque.NewSecret(notifiers.JoinMap(map[string]string{"TOKEN": "hunter2"}))
		})
		if err != nil || receipt.Answer.String() != want {
			t.Errorf("%s: %q, %v, want %q", script, receipt.Answer, err, want)
		}
	}
}

// A program that prints without an end is read to its end, and fills no memory.
func TestEndlessOutput(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	receipt, err := notify(t, "echo accepted; head -c 1000000000 /dev/zero; head -c 100000000 /dev/zero >&2; echo >&2 done", nil)
	runtime.ReadMemStats(&after)
	if err != nil || receipt.Answer.String() != "accepted" {
		t.Errorf("%q, %v", receipt.Answer, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d MB used", used>>20)
	}
	if _, err := notify(t, "head -c 10000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo 'the end' >&2; exit 3", nil); err == nil || !strings.HasSuffix(err.Error(), "exit status 3: the end") {
		t.Error(err)
	}
}

// Half a secret, cut off with what is forgotten, is shown nowhere.
func TestHalfASecretIsNotShown(t *testing.T) {
	secret := strings.Repeat("s3cret", 20)
	_, err := notify(t, `printf %s "$TOKEN" >&2; head -c 65500 /dev/zero | tr '\0' x >&2; exit 1`, func(s *exec.Settings) {
		s.Env = opaque.NewSecret(notifiers.JoinMap(map[string]string{"TOKEN": secret}))
	})
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

// A program need not read what it is given.
func TestUnreadInput(t *testing.T) {
	m := notifiertest.Message("k")
	m.Items[0].Incident.Description = strings.Repeat("long ", 100_000)
	s := settings(program(t, "echo fine"))
	receipt, err := open(t, s).Notify(t.Context(), exec.Target{}, m)
	if err != nil || receipt.Answer.String() != "fine" {
		t.Errorf("%q, %v", receipt.Answer, err)
	}
}

// A child of the program that holds its outputs open keeps nobody waiting.
func TestGrandchildHoldsTheOutput(t *testing.T) {
	receipt, err := notify(t, "sleep 1000 & echo $!", nil)
	pid, _ := strconv.Atoi(receipt.Answer.String())
	if err != nil || pid == 0 {
		t.Fatalf("%q, %v", receipt.Answer, err)
	}
	// It was not told to end: a program may leave work behind.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// What takes too long ends, with all that it started, and may be tried again.
func TestTimeout(t *testing.T) {
	defer exec.SetGrace(100 * time.Millisecond)()
	for name, script := range map[string]string{
		"ends when told":   "exec 9>%; sleep 1000 & wait",
		"ignores SIGTERM":  "exec 9>%; trap '' TERM; while :; do sleep 1000; done",
		"child ignores it": "exec 9>%; (trap '' TERM; exec sleep 1000) & wait",
	} {
		held := filepath.Join(t.TempDir(), "held")
		if err := syscall.Mkfifo(held, 0o600); err != nil {
			t.Fatal(err)
		}
		// Not blocking: nobody has it open for writing yet.
		file, err := os.OpenFile(held, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = notify(t, strings.ReplaceAll(script, "%", held), func(s *exec.Settings) { s.Timeout = 500 * time.Millisecond })
		if err == nil || notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "since it took too long") {
			t.Errorf("%s: %v", name, err)
		}
		// It ends when the last process that has it open ends.
		_ = file.SetReadDeadline(time.Now().Add(30 * time.Second))
		if _, err := file.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: a child is left: %v", name, err)
		}
		_ = file.Close()
	}
}

// One run at a time, so that a storm of incidents is no storm of processes.
func TestOneRunAtATime(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "lock")
	n := open(t, settings(program(t, `mkdir "`+lock+`" || exit 1; sleep 0.02; rmdir "`+lock+`"`)))
	failed := make(chan error)
	for range 10 {
		go func() {
			_, err := n.Notify(t.Context(), exec.Target{}, notifiertest.Message("k"))
			failed <- err
		}()
	}
	for range 10 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	good := program(t, "")
	open := program(t, "")
	if err := os.Chmod(open, 0o722); err != nil {
		t.Fatal(err)
	}
	plain := program(t, "")
	if err := os.Chmod(plain, 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name, value string) opaque.Secret {
		return opaque.NewSecret(notifiers.JoinMap(map[string]string{name: value}))
	}
	for want, s := range map[string]exec.Settings{
		"command: it is empty":                               {},
		`command: "page" must be the whole path`:             settings("page"),
		`command: "./page" must be the whole path`:           settings("./page"),
		`command: "/usr/bin/../page" must be the whole path`: settings("/usr/bin/../page"),
		"is no file":                                          settings("/usr"),
		"is not executable: chmod +x ":                        settings(plain),
		"can be changed by other users: chmod go-w ":          settings(open),
		"command: {evidence} is not known: there are {check}": settings(good, "{evidence}"),
		"the program itself cannot have {to} in its path":     settings("/usr/bin/{to}"),
		"argument 1 has a zero byte":                          settings(good, "a\x00b"),
		`env: "a b" is not the name of a variable`:            {Command: notifiers.JoinList([]string{good}), Env: env("a b", "x")},
		"env: IMAPVIGIL_KEY is set by imapvigil itself":       {Command: notifiers.JoinList([]string{good}), Env: env("IMAPVIGIL_KEY", "x")},
		"env: the value of TOKEN has a zero byte":             {Command: notifiers.JoinList([]string{good}), Env: env("TOKEN", "x\x00")},
		`input: "xml" is neither`:                             {Command: notifiers.JoinList([]string{good}), Input: "xml"},
	} {
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

// A program that is not there yet is no error of the files, but a warning, and no delivery.
func TestMissingProgram(t *testing.T) {
	s := settings(filepath.Join(t.TempDir(), "page"))
	if advice := s.Advice(); !strings.Contains(advice, "The program of command does not exist") {
		t.Errorf("advice %q", advice)
	}
	if _, err := open(t, s).Notify(t.Context(), exec.Target{}, notifiertest.Message("k")); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
	if advice := settings(program(t, "")).Advice(); advice != "" {
		t.Errorf("advice %q about a program that is there", advice)
	}
}

// A file that no kernel can run, and one that was made writable later.
func TestPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte("no program\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	n := open(t, settings(path))
	if _, err := n.Notify(t.Context(), exec.Target{}, notifiertest.Message("k")); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "exec format error") {
		t.Error(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(t.Context(), exec.Target{}, notifiertest.Message("k")); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), "can be changed by other users") {
		t.Error(err)
	}
}

// {to} and the attribute to go together, and nobody writes an option that is none.
func TestTargets(t *testing.T) {
	to, err := exec.Channel.Targets(notifiers.Values{"to": {List: []string{"ops", "boss"}}})
	if want := []notifiers.Target{exec.Target{To: "ops"}, exec.Target{To: "boss"}}; err != nil || !slices.Equal(to, want) {
		t.Errorf("%v, %v", to, err)
	}
	if _, err := exec.Channel.Targets(notifiers.Values{"to": {List: []string{"two\nlines"}}}); err == nil {
		t.Error("two lines were taken")
	}
	for _, test := range []struct {
		arg, to, want string
	}{
		{"{to}", "ops", ""},
		{"--to={to}", "-x", ""},
		{"{to}", "-x", `to: "-x" would be an option`},
		{"{to}", "", "to is missing"},
		{"{subject}", "ops", "to: the command of the notifier has no {to}"},
	} {
		err := settings("/usr/bin/page", test.arg).CheckTarget(exec.Target{To: test.to})
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s with %q: %v, want %q", test.arg, test.to, err, test.want)
		}
	}
}

func TestNoOptionFromAValue(t *testing.T) {
	m := notifiertest.Message("k")
	m.Items[0].Incident.Check = "--config=/etc/shadow"
	n := open(t, settings(program(t, ""), "{check}"))
	if _, err := n.Notify(t.Context(), exec.Target{}, m); !notifiers.IsPermanent(err) || !strings.Contains(err.Error(), `would be an option of the program`) {
		t.Error(err)
	}
	n = open(t, settings(program(t, ""), "--check={check}", "-"))
	if _, err := n.Notify(t.Context(), exec.Target{}, m); err != nil {
		t.Error(err)
	}
}

// No word of a server is in an argument or in the environment.
func TestServerWordsAreInputOnly(t *testing.T) {
	r := startReceiver(t)
	s := settings(r.path, "{subject}", "{short}", "{type}", "{severity}", "{check}", "{incident}", "{url}")
	for _, m := range slices.Concat(notifiertest.Messages(), notifiertest.Gathered()) {
		for i := range m.Items {
			m.Items[i].Incident.Evidence = opaque.Sanitise("WORDS of a server")
		}
		if _, err := open(t, s).Notify(t.Context(), exec.Target{}, m); err != nil {
			t.Fatal(err)
		}
	}
	read := 0
	for _, got := range r.runs() {
		if strings.Contains(got.args+got.env, "WORDS") {
			t.Errorf("a server's words are in %s%s", got.args, got.env)
		}
		read += strings.Count(got.stdin, "WORDS")
	}
	if read == 0 {
		t.Error("they are nowhere")
	}
}

// Programs get messages one by one, people get them gathered.
func TestKinds(t *testing.T) {
	s := settings("/usr/bin/page")
	if s.Kind().Traits().People {
		t.Error("programs are people")
	}
	if s.Batch = true; !s.Kind().Traits().People {
		t.Error("people are programs")
	}
}
