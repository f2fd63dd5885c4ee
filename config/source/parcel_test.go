package source_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/source"
)

// A secretTree is a configuration with two credentials, a key and a file that is named.
func secretTree(t *testing.T, edit func(dir string)) *source.Snapshot {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.hcl": "locals {}\n", "credentials/one": "canary-one", "credentials/two": "canary-two", "key.pem": "canary-key", "list.csv": "a,b",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit(dir)
	s, err := source.Read(dir, source.Options{TrustUnread: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		s.OpenSecret(s.CredentialPath(name))
	}
	s.OpenSecret(filepath.Join(dir, "key.pem"))
	s.Open(filepath.Join(dir, "list.csv"), false)
	s.Open(filepath.Join(dir, "none.csv"), false)
	return s
}

func TestAParcelHoldsNoSecret(t *testing.T) {
	p := secretTree(t, func(string) {}).Pack()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, canary := range []string{"canary", "Y2FuYXJ5"} { // as it is, and in base64
		if strings.Contains(string(text), canary) || strings.Contains(fmt.Sprintf("%v %+v %#v", p, p.Files, p.Named), canary) {
			t.Errorf("a secret is in %s", text)
		}
	}
	if len(p.Files) != 1 || string(p.Files[0].Text) != "locals {}\n" || len(p.Named) != 6 {
		t.Errorf("%+v", p)
	}
}

// Whoever unpacks a Parcel has its own secrets: those that are the same, and those that
// the sender could not read. Others are taken on trust.
func TestUnpack(t *testing.T) {
	own := secretTree(t, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "credentials/three"), []byte("own-three"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	sent := secretTree(t, func(dir string) {
		if err := os.WriteFile(filepath.Join(dir, "credentials/two"), []byte("canary-changed"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	var p source.Parcel
	text, err := json.Marshal(sent.Pack())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	got := source.Unpack(p, own)
	if text, ok := got.Text(filepath.Join(sent.Root(), "a.hcl")); !ok || string(text) != "locals {}\n" {
		t.Errorf("the file is %q, %t", text, ok)
	}
	for name, want := range map[string]string{
		"credentials/one": "canary-one", "credentials/two": "(trusted)", "credentials/three": "own-three",
		"key.pem": "canary-key", "list.csv": "a,b", "none.csv": "(missing)",
	} {
		c := got.Open(filepath.Join(sent.Root(), name), false)
		is := c.Text.Reveal()
		switch {
		case c.Trusted:
			is = "(trusted)"
		case c.Missing:
			is = "(missing)"
		}
		if is != want {
			t.Errorf("%s is %q, want %q", name, is, want)
		}
	}
}

// Where the files are those of whoever unpacks them, a secret that it cannot read is one
// that a reload could not read either.
func TestUnpackOwnFiles(t *testing.T) {
	own := secretTree(t, func(string) {})
	p := own.Pack()
	if err := os.Remove(filepath.Join(own.Root(), "credentials/one")); err != nil {
		t.Fatal(err)
	}
	if c := source.Unpack(p, own).Open(filepath.Join(own.Root(), "credentials/one"), true); !c.Missing {
		t.Errorf("%+v", c)
	}
}
