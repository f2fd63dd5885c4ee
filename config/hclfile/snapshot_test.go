package hclfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// tree writes files into a new directory, which becomes the current one.
func tree(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		writeFile(t, name, []byte(text))
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

func mustLoad(t *testing.T, s *source.Snapshot) *config.Config {
	t.Helper()
	cfg, diags := hclfile.Load(s)
	if cfg == nil {
		var text bytes.Buffer
		_ = config.Print(&text, diags, false)
		t.Fatalf("not loaded:\n%s", text.String())
	}
	return cfg
}

// small names a file, a credential and an authority.
var small = map[string]string{
	"etc/main.hcl": `
imap_check "mx" {
  hostname    = "mx.example.org"
  description = file("about.txt")
  login {
    username = "probe"
    password = credential("probe")
  }
}
`,
	"etc/about.txt":         "what it is about",
	"etc/credentials/probe": "canary-canary\n",
}

// TestOneSnapshotIsOneMoment changes named files between Read and the end of
// the reload: what was read together stays together, and Again tells.
func TestOneSnapshotIsOneMoment(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	mustLoad(t, s)
	next := again(t, s)
	writeFile(t, "etc/about.txt", []byte("changed in between"))
	if got := mustLoad(t, next).Checks["mx"].Description; got != "what it is about" {
		t.Errorf("a file was read again: %q", got)
	}
	if proof := again(t, next); proof.Digest() == next.Digest() {
		t.Error("a change between Read and Load goes unnoticed")
	}
}

func TestNamedForgetsWhatIsNoLongerNamed(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	mustLoad(t, s)
	if got, want := s.Named(), []string{"etc/about.txt", "etc/credentials/probe"}; !slices.Equal(got, want) {
		t.Errorf("Named() = %q, want %q", got, want)
	}
	writeFile(t, "etc/main.hcl", []byte(`imap_check "mx" { hostname = "mx.example.org" }`))
	next := again(t, s)
	cfg := mustLoad(t, next)
	if named := next.Named(); len(named) != 0 {
		t.Errorf("still named: %q", named)
	}
	if fresh := read(t, "etc", source.Options{}); mustLoad(t, fresh).Digest != cfg.Digest {
		t.Error("the digest depends on what was named before")
	}
}

func TestReplace(t *testing.T) {
	tree(t, map[string]string{
		"etc/main.hcl": `imap_check "a" { hostname = "mx.example.org" }`,
		"etc/x.txt":    "old",
		"new.tmp":      `imap_check "b" { hostname = "mx.example.org" }`,
		"about.tmp":    "new",
	})
	for dest, want := range map[string]string{"etc/main.hcl": "b", "etc/sub/new.hcl": "a b"} {
		absolute, err := filepath.Abs(dest)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range []string{dest, absolute} {
			cfg := mustLoad(t, read(t, "etc", source.Options{Replace: map[string]string{d: "new.tmp"}}))
			var ids []string
			for id := range cfg.Checks {
				ids = append(ids, string(id))
			}
			slices.Sort(ids)
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("replacing %s gives %q, want %q", d, got, want)
			}
		}
	}
	writeFile(t, "etc/main.hcl", []byte(`imap_check "a" {
  hostname    = "mx.example.org"
  description = file("x.txt")
}`))
	cfg := mustLoad(t, read(t, "etc", source.Options{Replace: map[string]string{"etc/x.txt": "about.tmp"}}))
	if got := cfg.Checks["a"].Description; got != "new" {
		t.Errorf("a named file was not replaced: %q", got)
	}
}

func TestCredentialsDirectoryComesFirst(t *testing.T) {
	tree(t, small)
	writeFile(t, "run/credentials/probe", []byte("from-systemd"))
	cfg := mustLoad(t, read(t, "etc", source.Options{CredentialsDirectory: "run/credentials"}))
	if got := cfg.Checks["mx"].Probe.Login.Password.Reveal(); got != "from-systemd" {
		t.Errorf("the password is %q", got)
	}
	cfg = mustLoad(t, read(t, "etc", source.Options{CredentialsDirectory: "run/nothing"}))
	if got := cfg.Checks["mx"].Probe.Login.Password.Reveal(); got != "canary-canary" {
		t.Errorf("the password is %q", got)
	}
}

func TestNoCredentials(t *testing.T) {
	tree(t, map[string]string{"etc/main.hcl": `
notifier "webhook" "hook" {
  url     = "https://${credential("host")}/x"
  secret  = credential("secret")
  headers = { Authorization = "Bearer ${credential("token")}" }
}
notifier "email" "mail" {
  host     = "smtp.example.org"
  from     = "a@example.org"
  username = "a"
  password = trimspace(credential("smtp"))
}
imap_check "mx" {
  hostname = "mx.example.org"
  tls {
    cert_file = "client.pem"
    key_file  = "client.key"
  }
}
`, "etc/client.pem": clientCert})
	s := read(t, "etc", source.Options{NoCredentials: true})
	mustLoad(t, s)
	if named := s.Named(); !slices.Equal(named, []string{"etc/client.pem"}) {
		t.Errorf("read %q", named)
	}
}

func TestSaveAndRestore(t *testing.T) {
	tree(t, small)
	s := read(t, "etc", source.Options{})
	cfg := mustLoad(t, s)
	var saved bytes.Buffer
	if err := hclfile.Save(&saved, s); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(saved.Bytes(), []byte("canary")) || strings.Contains(fmt.Sprintf("%v %+v %#v", s, s, s), "canary") {
		t.Error("a secret was saved or printed")
	}
	for _, name := range []string{"etc/main.hcl", "etc/about.txt"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, "etc/credentials/probe", []byte("rotated"))
	restored, err := hclfile.Restore(bytes.NewReader(saved.Bytes()), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	back := mustLoad(t, restored)
	if diff := config.Compare(cfg, back); len(diff.Changed) != 1 || diff.Changed[0].Attributes[0].Name != "login.password" || len(diff.Changed[0].Attributes) != 1 {
		t.Errorf("restored with %+v", diff)
	}
	if _, err := hclfile.Restore(strings.NewReader("{"), source.Options{}); err == nil {
		t.Error("half a file was restored")
	}
}

func TestEmptied(t *testing.T) {
	tree(t, map[string]string{"etc/a.hcl": "locals {}", "etc/b.hcl": "", "etc/c.hcl": "locals {}"})
	before := read(t, "etc", source.Options{})
	writeFile(t, "etc/a.hcl", nil)
	writeFile(t, "etc/d.hcl", nil)
	if err := os.Remove("etc/c.hcl"); err != nil {
		t.Fatal(err)
	}
	// b.hcl was empty before, c.hcl is gone, d.hcl is new.
	if got := read(t, "etc", source.Options{}).Emptied(before); !slices.Equal(got, []string{"etc/a.hcl"}) {
		t.Errorf("emptied: %q", got)
	}
	kept := restore(t, saved(t, before), source.Options{})
	if got := read(t, "etc", source.Options{}).Emptied(kept); !slices.Equal(got, []string{"etc/a.hcl"}) {
		t.Errorf("emptied since they were kept: %q", got)
	}
}

// TestFileFromWithin names a file beside the configuration from inside of its
// directory, where paths have no directory in them.
func TestFileFromWithin(t *testing.T) {
	tree(t, map[string]string{"main.hcl": `imap_check "a" { hostname = file("host") }`, "host": "mx.example.org"})
	for _, path := range []string{".", "main.hcl"} {
		if cfg, diags := hclfile.Load(read(t, path, source.Options{})); cfg == nil {
			t.Errorf("%s: %v", path, diags)
		}
	}
}

// TestFileIsNoWayToCredentials tries the ways to a secret that do not look like
// one: what file gives is shown.
func TestFileIsNoWayToCredentials(t *testing.T) {
	tree(t, map[string]string{"etc/credentials/x": "canary"})
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink("credentials", "etc/aside"), os.Symlink("etc", "linked"), os.Symlink("credentials/x", "etc/plain")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"credentials/x", here + "/etc/credentials/x", "aside/x", "plain", "../linked/credentials/x"} {
		writeFile(t, "etc/main.hcl", []byte(`imap_check "a" { hostname = file("`+path+`") }`))
		for _, root := range []string{"etc", here + "/etc", "linked"} {
			_, diags := hclfile.Load(read(t, root, source.Options{}))
			if len(diags) != 1 || diags[0].Rule != "credential" {
				t.Errorf("%s in %s: %v", path, root, diags)
			}
		}
	}
}

// TestByteOrderMarkIsNoPartOfASecret reads a credential as an editor of Windows
// leaves it.
func TestByteOrderMarkIsNoPartOfASecret(t *testing.T) {
	files := maps.Clone(small)
	files["etc/credentials/probe"] = "\uFEFFcanary-canary\r\n"
	tree(t, files)
	cfg := mustLoad(t, read(t, "etc", source.Options{}))
	for _, c := range cfg.Checks {
		if got := c.Probe.Login.Password.Reveal(); got != "canary-canary" {
			t.Errorf("the password is %q", got)
		}
	}
}

// TestOtherEncodings holds what a credential is refused for: as it is, it would be
// a password that nobody has.
func TestOtherEncodings(t *testing.T) {
	for _, text := range []string{"\xff\xfes\x00e\x00c\x00", "\xfe\xff\x00s\x00e\x00c", "\xff\xfe\x00\x00s\x00\x00\x00", "s\x00e\x00c\x00r\x00", "\x00s\x00e\x00c\x00r"} {
		files := maps.Clone(small)
		files["etc/credentials/probe"] = text
		tree(t, files)
		_, diags := hclfile.Load(read(t, "etc", source.Options{}))
		if len(diags) == 0 || !strings.Contains(diags[0].Detail, "is written in UTF-") {
			t.Errorf("%q: %v", text, diags)
		}
	}
}
