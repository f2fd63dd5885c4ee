package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// What the daemon's user cannot read is an error before a reload finds out: a file, a
// credential and a directory on the way, each with what to type.
func TestUnreadableForTheDaemon(t *testing.T) {
	t.Parallel()
	nobody, err := access.Find("nobody")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "readable-") // t.TempDir lies in a directory for its owner alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	found := func(service access.Service) map[string]string {
		s, err := source.Read(dir, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = hclfile.Load(s)
		at := map[string]string{}
		for _, d := range unreadableFor(nobody, service, s) {
			at[d.Pos.File] = d.Detail
		}
		return at
	}
	file := write("a.hcl", "notifier \"webhook\" \"a\" {\n  url    = \"http://127.0.0.1:1/\"\n  secret = credential(\"token\")\n}\n", 0o600)
	sub := filepath.Dir(write("more/b.hcl", "", 0o644))
	credential := write("credentials/token", "swordfish-swordfish-swordfish", 0o600)
	for path, mode := range map[string]os.FileMode{dir: 0o755, sub: 0o711} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	got := found(access.Service{})
	for path, want := range map[string]string{
		file: "chmod 640 " + file, sub: "chmod 750 " + sub, credential: "chmod 640 " + credential,
	} {
		if !strings.Contains(got[path], "    chgrp ") || !strings.Contains(got[path], want) || !strings.Contains(got[path], "the user nobody") {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if len(got) != 3 {
		t.Errorf("%q", got)
	}
	// What systemd passes on need not be read.
	if got := found(access.Service{Credentials: map[string]bool{"token": true}}); len(got) != 2 || got[credential] != "" {
		t.Errorf("with LoadCredential: %q", got)
	}
	// A directory on the way is one error, not one for each file.
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := found(access.Service{}); len(got) != 1 || got[dir] == "" {
		t.Errorf("behind a closed directory: %q", got)
	}
}
