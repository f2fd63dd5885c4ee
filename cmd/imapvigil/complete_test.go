package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
