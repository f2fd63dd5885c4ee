//go:build !quick

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// demoOfNodes returns the demo of three nodes, to be run in a temporary directory that is empty
// afterwards.
func demoOfNodes(t *testing.T) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp("", "nodes-") // the paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("the demo left something behind: %v", err)
			_ = os.RemoveAll(dir)
		}
	})
	demo := exec.CommandContext(t.Context(), "imapvigil", "demo", "--nodes", "3")
	demo.Env = append(os.Environ(), "TMPDIR="+dir)
	return demo
}

// TestDemoOfNodes holds what the demo of three nodes shows, in its order, and that people get each
// message once.
func TestDemoOfNodes(t *testing.T) {
	t.Parallel()
	demo := demoOfNodes(t)
	var out, problems bytes.Buffer
	demo.Stdout, demo.Stderr = &out, &problems
	if err := demo.Run(); err != nil || problems.Len() > 0 {
		t.Fatalf("%v, %s\n%s", err, &problems, &out)
	}
	text := out.String()
	for _, pattern := range []string{
		`(?m)^    node "london" \{\}$`,
		`A firewall refuses the connections of frankfurt\.`,
		`mx1/imaps is degraded, seen from 1 of 3 nodes:\s+frankfurt; well from london, new-york\n`,
		`---- email to it@example\.net ----\n    Subject: \[imapvigil\] DEGRADED mx1/imaps `,
		`Why: +condition location; connect: connection refused`,
		`Nobody gets an SMS`,
		`The firewall lets frankfurt through again\.`,
		`Subject: \[imapvigil\] RECOVERED mx1/imaps `,
		`Nobody gets an SMS`,
		`The IMAP server stops`,
		`mx1/imaps is down, seen from 3 of 3 nodes:`,
		`Subject: \[imapvigil\] DOWN mx1/imaps `,
		`---- SMS to \+15550100 ----\n    DOWN mx1/imaps: `,
		`\d  [a-z-]+, which decides, is killed\.`,
		`[a-z-]+ decides; mx1/imaps is down, `,
		`[a-z-]+ decides after \d+ seconds\. It knows of the incident`,
		`The IMAP server starts again\.`,
		`Subject: \[imapvigil\] RECOVERED mx1/imaps `,
		`---- SMS to \+15550100 ----\n    RECOVERED mx1/imaps: `,
		`man imapvigil-nodes`,
	} {
		at := regexp.MustCompile(pattern).FindStringIndex(text)
		if at == nil {
			t.Fatalf("not there, or not in its place: %s\n%s", pattern, &out)
		}
		text = text[at[1]:]
	}
	for heading, want := range map[string]int{"  ---- email": 4, "  ---- SMS": 2} {
		if got := strings.Count(out.String(), heading); got != want {
			t.Errorf("%d times %q, and not %d", got, heading, want)
		}
	}
	for line := range strings.Lines(out.String()) {
		if config.Columns(strings.TrimSuffix(line, "\n")) > screenWidth {
			t.Errorf("more than %d columns: %s", screenWidth, line)
		}
	}
}

// TestDemoOfNodesInterrupted interrupts the demo of three nodes when all of them run.
func TestDemoOfNodesInterrupted(t *testing.T) {
	t.Parallel()
	demo := demoOfNodes(t)
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	runs := false
	for !runs && lines.Scan() {
		runs = strings.Contains(lines.Text(), "mx1/imaps is ok")
	}
	if err := demo.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out) // it ends with the process
	if err := demo.Wait(); err != nil || !runs {
		t.Errorf("interrupted, the demo ends with %v; its nodes ran: %v", err, runs)
	}
}
