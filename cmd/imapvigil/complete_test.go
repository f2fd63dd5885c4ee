package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// A daemon that is stuck takes connections and never answers; then the names
// come from the files, and the shell gets its terminal back.
func TestCompletesBesideAStuckDaemon(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "stuck") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "control.sock")
	stuck, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stuck.Close() })

	var out, errs bytes.Buffer
	args := []string{"__complete", "recheck", "--control", socket, "--config", "../../examples/quickstart.hcl", ""}
	p := &program{in: strings.NewReader(""), out: &out, err: &errs, completion: 10 * completionPatience} // on a busy machine
	root := p.root()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errs)
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	if want := "mx1/imaps\nmx1/starttls\n:4\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// TestCompletionIsWhole: the shells complete the arguments of every command that takes some,
// and the values of every flag that names something or takes one of a few words.
func TestCompletionIsWhole(t *testing.T) {
	free := []string{"ADDRESS", "DEST=FILE", "HOST", "NAME", "PORT", "TEXT", "TIME", "USER"}
	for _, c := range everyCommand() {
		if takesArguments.MatchString(c.Use) && c.ValidArgsFunction == nil {
			t.Errorf("nothing completes the arguments of %s: add it to complete.go", c.CommandPath())
		}
		c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			name := valueNames[f.Name]
			if _, completes := c.GetFlagCompletionFunc(f.Name); f.Value.Type() != "bool" && name == "" {
				t.Errorf("the value of %s --%s has no name: add it to valueNames", c.CommandPath(), f.Name)
			} else if name != "" && !slices.Contains(free, name) && !completes {
				t.Errorf("nothing completes %s --%s %s: add it to complete.go", c.CommandPath(), f.Name, name)
			}
		})
	}
}

// takesArguments matches the form of a command that takes arguments, not only flags.
var takesArguments = regexp.MustCompile(`^[a-z-]+ \[?[A-Z]`)
