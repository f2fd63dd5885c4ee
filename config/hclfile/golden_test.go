package hclfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

// A script is a txtar archive: a tree of files under etc, settings in its
// comment, and what a user sees in the file "want". The settings are lines
// that begin with a $:
//
//	$ chmod 0666 etc/main.hcl
//	$ env NAME=value
//	$ no-credentials
//	$ replace etc/main.hcl other.hcl
//	$ read etc/main.hcl
//	$ symlink target etc/link.hcl
//	$ large etc/big.hcl
//	$ fifo etc/pipe.hcl
//	$ max-checks 10
//	$ deep etc/deep.hcl
//	$ read-only etc (as if it were mounted so)
//	$ node fra1
//	$ restored (from what was saved, when the files are gone)
type script struct {
	archive *txtar.Archive
	path    string // what is read
	options source.Options

	restored bool
	readOnly []string // what lies on a file system that is mounted read-only
	dir      string   // the current one
}

func openScript(t *testing.T, file string) *script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{archive: txtar.Parse(text), path: "etc"}
	t.Chdir(t.TempDir())
	if s.dir, err = os.Getwd(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("etc", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.archive.Files {
		if f.Name != "want" {
			writeFile(t, f.Name, f.Data)
		}
	}
	for line := range strings.Lines(string(s.archive.Comment)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "$" {
			s.setting(t, words[1:])
		}
	}
	return s
}

func writeFile(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := fs.FileMode(0o644)
	if strings.Contains(name, "credentials/") || strings.HasSuffix(name, ".key") {
		mode = 0o600
	}
	if err := os.WriteFile(name, data, mode); err != nil {
		t.Fatal(err)
	}
}

func (s *script) setting(t *testing.T, words []string) {
	t.Helper()
	switch words[0] {
	case "chmod":
		mode, err := strconv.ParseUint(words[1], 8, 32)
		if err == nil {
			err = os.Chmod(words[2], fs.FileMode(mode))
		}
		if err != nil {
			t.Fatal(err)
		}
	case "env":
		name, value, _ := strings.Cut(words[1], "=")
		t.Setenv(name, value)
		s.options.LookupEnv = os.LookupEnv
	case "restored":
		s.restored = true
	case "no-credentials":
		s.options.NoCredentials = true
	case "node":
		s.options.Node = config.NodeID(words[1])
	case "credentials-directory":
		s.options.CredentialsDirectory = words[1]
	case "replace":
		s.options.Replace = map[string]string{words[1]: words[2]}
	case "read":
		s.path = words[1]
	case "symlink":
		if err := os.Symlink(words[1], words[2]); err != nil {
			t.Fatal(err)
		}
	case "deep":
		writeFile(t, words[1], []byte("locals {\n  x = "+strings.Repeat("[", 100_000)+"\n}\n"))
	case "max-checks":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(err)
		}
		hclfile.SetMaxChecks(t, n)
	case "read-only":
		s.readOnly = append(s.readOnly, words[1])
		s.options.MountedReadOnly = s.liesReadOnly
	case "fifo":
		if err := syscall.Mkfifo(words[1], 0o600); err != nil {
			t.Fatal(err)
		}
	case "large":
		writeFile(t, words[1], nil)
		if err := os.Truncate(words[1], 5<<20); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("unknown setting %q", words[0])
	}
}

// liesReadOnly stands in for the system: a path lies read-only when it leads to one
// that was set so, or below it.
func (s *script) liesReadOnly(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	return err == nil && slices.ContainsFunc(s.readOnly, func(dir string) bool {
		dir, err := filepath.EvalSymlinks(dir)
		return err == nil && (real == dir || strings.HasPrefix(real, dir+"/"))
	})
}

// load reads and loads, as validate does.
func (s *script) load(t *testing.T) (*config.Config, []config.Diagnostic) {
	t.Helper()
	snapshot, err := source.Read(s.path, s.options)
	var d config.Diagnostic
	switch {
	case errors.As(err, &d):
		return nil, []config.Diagnostic{d}
	case err != nil:
		t.Fatalf("Read gave an error that is no diagnostic: %v", err)
	}
	if s.restored {
		snapshot = restoredFrom(t, snapshot)
	}
	cfg, diags := hclfile.Load(snapshot)
	for i := range diags {
		diags[i].Pos.File = strings.TrimPrefix(diags[i].Pos.File, s.dir+"/")
	}
	if (cfg == nil) != config.HasErrors(diags) {
		t.Fatalf("Load gave configuration %v together with %v", cfg, diags)
	}
	return cfg, diags
}

// eachScript runs test with every script of a directory below testdata, as a test
// of its own that stands where the files of the script are.
func eachScript(t *testing.T, dir string, test func(t *testing.T, s *script, file string)) {
	t.Helper()
	files, err := filepath.Glob("testdata/" + dir + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			path := filepath.Join(home, file)
			test(t, openScript(t, path), path)
		})
	}
}

// TestWrong shows what a user sees, one rule a file.
func TestWrong(t *testing.T) {
	eachScript(t, "wrong", func(t *testing.T, s *script, file string) {
		_, diags := s.load(t)
		compare(t, s, file, diags)
	})
}

func compare(t *testing.T, s *script, file string, diags []config.Diagnostic) {
	t.Helper()
	var got bytes.Buffer
	if err := config.Print(&got, diags, false); err != nil {
		t.Fatal(err)
	}
	compareText(t, s.archive, file, got.String())
}
