package source_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

// tree writes files into a new directory, which becomes the current one. Credentials
// are for their owner alone.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		write(t, name, text)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := fs.FileMode(0o644)
	if strings.Contains(name, "credentials/") {
		mode = 0o600
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string, o source.Options) *source.Snapshot {
	t.Helper()
	s, err := source.Read(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func again(t *testing.T, s *source.Snapshot) *source.Snapshot {
	t.Helper()
	next, err := s.Again()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func names(s *source.Snapshot) (names []string) {
	for _, f := range s.Files() {
		names = append(names, f.Name)
	}
	return names
}

// small is a file with two that it names, the second of them as a secret.
var small = map[string]string{
	"etc/main.hcl":          "a file",
	"etc/about.txt":         "what it is about",
	"etc/credentials/probe": "canary-canary\n",
}

// evaluate opens what small names, as whoever evaluates it does.
func evaluate(s *source.Snapshot) {
	s.ForgetNamed()
	s.Open("etc/about.txt", false)
	s.Open("etc/credentials/probe", true)
}

func TestSnapshotNamesItsFiles(t *testing.T) {
	tree(t, small)
	for name, text := range map[string]string{
		"etc/sub/more.hcl": "", "etc/sub/gen.hcl.json": "{}", "etc/.git/config.hcl": "", "etc/main.hcl~": "", "etc/.main.hcl.swp": "",
		"etc/#main.hcl#": "", "etc/main.hcl.dpkg-dist": "", "etc/old.hcl.rpmsave": "",
		"etc/lost+found/#4711/main.hcl": "nonsense", "etc/sub/lost+found/main.hcl": "nonsense", "etc/@eaDir/main.hcl": "nonsense",
	} {
		write(t, name, text)
	}
	if err := os.Symlink("nowhere", "etc/.#main.hcl"); err != nil {
		t.Fatal(err)
	}
	s := read(t, "etc", source.Options{})
	if got, want := names(s), []string{"etc/main.hcl", "etc/sub/gen.hcl.json", "etc/sub/more.hcl"}; !slices.Equal(got, want) {
		t.Errorf("Files() = %q, want %q", got, want)
	}
	want := []string{"etc/#main.hcl#", "etc/.#main.hcl", "etc/.git/", "etc/.main.hcl.swp", "etc/@eaDir/", "etc/about.txt", "etc/credentials/", "etc/lost+found/", "etc/main.hcl.dpkg-dist", "etc/main.hcl~", "etc/old.hcl.rpmsave", "etc/sub/lost+found/"}
	if got := s.Ignored(); !slices.Equal(got, want) {
		t.Errorf("Ignored() = %q, want %q", got, want)
	}
	evaluate(s)
	if got, want := s.Named(), []string{"etc/about.txt", "etc/credentials/probe"}; !slices.Equal(got, want) {
		t.Errorf("Named() = %q, want %q", got, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, s) + fmt.Sprintf(verb, s.Files()[0]); strings.Contains(text, "canary") || strings.Contains(text, "a file") {
			t.Errorf("%s prints what the files hold: %s", verb, text)
		}
	}
}

// TestDigestCoversEveryByteThatCounts changes one thing at a time.
func TestDigestCoversEveryByteThatCounts(t *testing.T) {
	for name, change := range map[string]func() error{
		"a file":                  func() error { return os.WriteFile("etc/main.hcl", []byte("a file # more\n"), 0o644) },
		"a new file":              func() error { return os.WriteFile("etc/new.hcl", nil, 0o644) },
		"a file's name":           func() error { return os.Rename("etc/main.hcl", "etc/other.hcl") },
		"a named file":            func() error { return os.WriteFile("etc/about.txt", []byte("what it is not about"), 0o644) },
		"a named file gone":       func() error { return os.Remove("etc/about.txt") },
		"a named file's mode":     func() error { return os.Chmod("etc/about.txt", 0o666) },
		"a credential":            func() error { return os.WriteFile("etc/credentials/probe", []byte("other"), 0o600) },
		"a credential's mode":     func() error { return os.Chmod("etc/credentials/probe", 0o644) },
		"a file's mode":           func() error { return os.Chmod("etc/main.hcl", 0o666) },
		"a directory's mode":      func() error { return os.Chmod("etc", 0o777) },
		"a directory too deep":    func() error { return os.MkdirAll("etc/1/2/3/4/5/6/7/8", 0o755) },
		"a link that leads away":  func() error { return os.Symlink("nowhere", "etc/link.hcl") },
		"a directory cannot read": func() error { return os.Symlink("missing", "etc/x.hcl.json") },
	} {
		t.Run(name, func(t *testing.T) {
			tree(t, small)
			s := read(t, "etc", source.Options{})
			evaluate(s)
			if s.Digest() != again(t, s).Digest() {
				t.Error("nothing changed, and the digest did")
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if s.Digest() == again(t, s).Digest() {
				t.Error("the change goes unnoticed")
			}
		})
	}
}

func TestDigestDoesNotCoverTheRest(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	write(t, "etc/notes.txt", "not named")
	if err := os.Rename("etc", "moved"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, "moved", source.Options{}).Digest(); got != s.Digest() {
		t.Errorf("the same tree in another place has the digest %s, not %s", got, s.Digest())
	}
}

// TestOneSnapshotIsOneMoment changes a named file after it was read: what was read
// together stays together, and Again tells.
func TestOneSnapshotIsOneMoment(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	evaluate(s)
	write(t, "etc/about.txt", "changed in between")
	evaluate(s)
	if got := s.Open("etc/about.txt", false).Text.Reveal(); got != "what it is about" {
		t.Errorf("a file was read again: %q", got)
	}
	if again(t, s).Digest() == s.Digest() {
		t.Error("a change goes unnoticed")
	}
}

func TestNamedForgetsWhatIsNoLongerNamed(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	evaluate(s)
	next := again(t, s)
	next.ForgetNamed()
	if named := next.Named(); len(named) != 0 {
		t.Errorf("still named: %q", named)
	}
	if next.Digest() != read(t, "etc", source.Options{}).Digest() {
		t.Error("the digest depends on what was named before")
	}
}

func TestSymlinks(t *testing.T) {
	tree(t, map[string]string{"data/1/main.hcl": "one", "data/2/main.hcl": "two", "etc/sub/x": ""})
	link := func(target, name string) {
		t.Helper()
		_ = os.Remove(name)
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	link("../data/1", "etc/..data") // as Kubernetes mounts a ConfigMap
	link("..data/main.hcl", "etc/main.hcl")
	link(".", "etc/circle")
	s := read(t, "etc", source.Options{})
	if got := names(s); !slices.Equal(got, []string{"etc/main.hcl"}) {
		t.Errorf("read %q", got)
	}
	link("../data/2", "etc/..data")
	next := again(t, s)
	if text, _ := next.Text("etc/main.hcl"); next.Digest() == s.Digest() || string(text) != "two" {
		t.Error("a swapped link goes unnoticed")
	}
	link("../../data/2", "etc/sub/away")
	detour := read(t, "etc/sub/away/../1", source.Options{}) // data/1, and not etc/sub/1
	if files := detour.Files(); len(files) != 1 || string(files[0].Text) != "one" {
		t.Errorf("behind a link .. leads to %q", names(detour))
	}
}

// TestContent holds what is said of a named file that cannot be used, or must not be.
func TestContent(t *testing.T) {
	tree(t, small)
	if err := errors.Join(os.Chmod("etc/about.txt", 0o646), syscall.Mkfifo("etc/pipe", 0o600), os.Mkdir("etc/dir", 0o755)); err != nil {
		t.Fatal(err)
	}
	write(t, "etc/large", strings.Repeat("x", 4<<20+1))
	s := read(t, "etc", source.Options{})
	for name, want := range map[string]source.Content{
		"etc/gone":  {Missing: true},
		"etc/pipe":  {Fault: "It is not a regular file"},
		"etc/dir":   {Fault: "It is not a regular file"},
		"etc/large": {Fault: "It is larger than 4 MiB"},
	} {
		if got := s.Open(name, false); got != want || got.IsUsable() {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if c := s.Open("etc/about.txt", false); !c.Writable || c.IsUsable() {
		t.Errorf("a file that others can write: %+v", c)
	}
	if c := s.Open("etc/credentials/probe", true); !c.IsUsable() || c.Readable || c.Text.Reveal() != "canary-canary\n" {
		t.Errorf("a credential: %+v", c)
	}
	fixed := read(t, "etc", source.Options{MountedReadOnly: func(string) bool { return true }})
	if c := fixed.Open("etc/about.txt", false); !c.IsUsable() || !c.Readable || !c.Fixed {
		t.Errorf("a file that nobody can write, since it is mounted so: %+v", c)
	}
}

func TestReplace(t *testing.T) {
	tree(t, map[string]string{"etc/main.hcl": "old", "etc/x.txt": "old text", "new.tmp": "new"})
	for dest, want := range map[string]string{"etc/main.hcl": "etc/main.hcl=new", "etc/sub/new.hcl": "etc/main.hcl=old etc/sub/new.hcl=new"} {
		absolute, err := filepath.Abs(dest)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []string{dest, absolute} {
			var got []string
			for _, f := range read(t, "etc", source.Options{Replace: map[string]string{d: "new.tmp"}}).Files() {
				got = append(got, f.Name+"="+string(f.Text))
			}
			if text := strings.Join(got, " "); text != want {
				t.Errorf("replacing %s gives %q, want %q", d, text, want)
			}
		}
	}
	s := read(t, "etc", source.Options{Replace: map[string]string{"etc/x.txt": "new.tmp", "etc/lost+found/a.hcl": "new.tmp"}})
	if got := s.Open("etc/x.txt", false).Text.Reveal(); got != "new" {
		t.Errorf("a named file was not replaced: %q", got)
	}
	if got := s.UnusedReplacements(); !slices.Equal(got, []string{"etc/lost+found/a.hcl"}) {
		t.Errorf("replaced for nothing: %q", got)
	}
}

func TestNothingToRead(t *testing.T) {
	tree(t, small)
	_, err := source.Read("etc/none", source.Options{})
	var d config.Diagnostic
	if !errors.As(err, &d) || d.Rule != "no-path" {
		t.Errorf("got %v", err)
	}
}

func TestEmptied(t *testing.T) {
	tree(t, map[string]string{"etc/a.hcl": "locals {}", "etc/b.hcl": "", "etc/c.hcl": "locals {}"})
	before := read(t, "etc", source.Options{})
	write(t, "etc/a.hcl", "")
	write(t, "etc/d.hcl", "")
	if err := os.Remove("etc/c.hcl"); err != nil {
		t.Fatal(err)
	}
	// b.hcl was empty before, c.hcl is gone, d.hcl is new.
	if got := read(t, "etc", source.Options{}).Emptied(before); !slices.Equal(got, []string{"etc/a.hcl"}) {
		t.Errorf("emptied: %q", got)
	}
}

func TestOtherEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"\xff\xfes\x00e\x00": "UTF-16", "\xfe\xff\x00s\x00e": "UTF-16", "\xff\xfe\x00\x00s\x00\x00\x00": "UTF-32",
		"s\x00e\x00c\x00": "UTF-16LE", "\x00s\x00e\x00c": "UTF-16BE", "secret": "", "s\x00": "", "": "", "grün": "",
	} {
		if got := source.OtherEncoding([]byte(text)); got != want {
			t.Errorf("%q is in %q, want %q", text, got, want)
		}
	}
	if got := string(source.WithoutMark([]byte("\uFEFFx"))); got != "x" {
		t.Errorf("a byte order mark stays: %q", got)
	}
}
