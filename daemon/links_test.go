package daemon

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A key is made once, with mode 0600. One that is missing, damaged or readable by others is made anew,
// which the log says; the log never has a key.
func TestKeyOfLinks(t *testing.T) {
	core, log := observer.New(zap.InfoLevel)
	m := &monitor{Options: Options{StateDir: t.TempDir(), Log: zap.New(core)}}
	file := filepath.Join(m.StateDir, linkKeyFile)
	token := func() string {
		m.links.store(m.openLinks())
		return m.linkToken("abc", "it_team", time.Unix(0, 0))
	}
	read := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || len(text) != 32 {
			t.Errorf("%v, %d bytes, %v", info.Mode(), len(text), err)
		}
		return string(text)
	}
	first := token()
	if key := read(); token() != first || read() != key || log.Len() != 1 {
		t.Errorf("it is made twice: %v", log.All())
	}
	for name, damage := range map[string]func() error{
		"cut":              func() error { return os.Truncate(file, 31) },
		"read by others":   func() error { return os.Chmod(file, 0o640) },
		"no file":          func() error { return os.Remove(file) },
		"not what it says": func() error { _ = os.Remove(file); return os.Symlink("/dev/zero", file) },
	} {
		before, said := token(), log.Len()
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if after := token(); after == before || after == "" || log.Len() != said+1 {
			t.Errorf("%s: the key is not made anew, or nobody says so: %v", name, log.All()[said:])
		}
		read()
	}
	m.StateDir = filepath.Join(m.StateDir, "missing")
	if token() == "" || log.FilterLevelExact(zap.WarnLevel).Len() == 0 {
		t.Error("without a place to keep the key there are no links, or nobody says so")
	}
}
