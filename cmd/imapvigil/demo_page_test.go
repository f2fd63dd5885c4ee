package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestDemoWithPage opens the page of the demo at the address that it prints, and interrupts it.
func TestDemoWithPage(t *testing.T) {
	t.Parallel()
	demo := exec.CommandContext(t.Context(), "imapvigil", "demo", "--page")
	out, err := demo.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := demo.Start(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	url := ""
	lines := bufio.NewScanner(io.TeeReader(out, &printed))
	address := regexp.MustCompile(`^    (http://127\.0\.0\.1:\d+/)$`)
	for url == "" && lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	for path, want := range map[string]string{"": "Demo of imapvigil", "api/v1/status": `"id":"mx3/imaps"`} {
		answer, err := http.Get(url + path)
		if err != nil {
			t.Fatalf("%v; the demo printed:\n%s", err, &printed)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s%s: %d %v\n%s", url, path, answer.StatusCode, err, text)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := demo.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&printed, out) // it ends with the process
	if err := demo.Wait(); err != nil {
		t.Errorf("interrupted, the demo ends with %v:\n%s", err, &printed)
	}
	if !strings.Contains(printed.String(), "mx1 works.") {
		t.Errorf("the demo printed:\n%s", &printed)
	}
}
