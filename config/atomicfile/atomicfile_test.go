package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/imapvigil/imapvigil/config/atomicfile"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	check := func(want string, mode os.FileMode) {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil || string(text) != want {
			t.Errorf("it holds %q, want %q (%v)", text, want, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("something is left over: %v, %v", entries, err)
		}
	}
	if err := atomicfile.Write(path, []byte("one"), nil); err != nil {
		t.Fatal(err)
	}
	check("one", 0o600)
	readable := func(f *os.File) error { return f.Chmod(0o644) }
	if err := atomicfile.Write(path, []byte("two"), readable); err != nil {
		t.Fatal(err)
	}
	check("two", 0o644)
	no := errors.New("no")
	if err := atomicfile.Write(path, []byte("three"), func(*os.File) error { return no }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	check("two", 0o644)
	if err := atomicfile.Write(filepath.Join(dir, "missing", "file"), nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
