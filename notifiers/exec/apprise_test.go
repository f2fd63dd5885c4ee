//go:build !quick

package exec_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/exec"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// The apprise of Debian hands a message to a service, and what it says when it cannot is in the
// error: that the service refuses, that its own file names none, or that there is none with a
// tag.
func TestApprise(t *testing.T) {
	sink, err := httpsink.Start(httpsink.Options{Answer: func(r httpsink.Request) httpsink.Response {
		if r.Path == "/refuses" {
			return httpsink.Response{Status: http.StatusInternalServerError}
		}
		return httpsink.NoContent(r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	at := strings.TrimPrefix(sink.URL(), "http://")
	for _, test := range []struct {
		name, services, tag string
		words               string // in the receipt or the error
		arrives             bool
	}{
		{"taken", "json://" + at + "/takes", "", "exit status 0", true},
		{"taken under a tag", "ops=json://" + at + "/takes", "ops", "exit status 0", true},
		{"refused", "json://user:" + url.PathEscape(canary) + "@" + at + "/refuses", "", "exit status 1: .*Internal server error", false},
		{"one of two refuses", "json://" + at + "/takes\njson://" + at + "/refuses", "", "exit status 1: .*Internal server error", true},
		{"nobody under the tag", "ops=json://" + at + "/takes", "boss", "exit status 3", false},
		{"no service", "# none", "", "exit status 1: .*Failed to load Apprise configuration", false},
	} {
		before := len(sink.Requests())
		receipt, err := apprise(t, test.services, test.tag)
		words := receipt.Answer.String()
		if err != nil {
			words = err.Error()
		}
		if !regexp.MustCompile(test.words).MatchString(words) || notifiers.IsPermanent(err) || strings.Contains(words, canary) {
			t.Errorf("%s: %q, permanent %v", test.name, words, notifiers.IsPermanent(err))
		}
		if arrived := sink.Requests()[before:]; test.arrives != (len(arrived) == 1) || test.arrives && !isApprised(arrived[0].Body) {
			t.Errorf("%s: %d messages arrived: %q", test.name, len(arrived), arrived)
		}
	}
}

// isApprised reports whether what apprise has sent is the message, with its subject as the title.
func isApprised(body []byte) bool {
	var got struct{ Title, Message string }
	m := notifiertest.Message("k")
	return json.Unmarshal(body, &got) == nil && got.Title == m.Subject() && got.Message == strings.TrimSpace(m.Text())
}

// apprise runs apprise for a message with a file of services, for those under a tag; empty: those
// without one.
func apprise(t *testing.T, services, tag string) (notifiers.Receipt, error) {
	t.Helper()
	program, err := osexec.LookPath("/usr/bin/apprise")
	if err != nil {
		t.Fatal("apprise not found: apt-get install apprise")
	}
	file := filepath.Join(t.TempDir(), "apprise.conf")
	if err := os.WriteFile(file, []byte(services+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := []string{program, "-v", "--config=" + file, "--title={subject}"}
	if tag != "" {
		command = append(command, "--tag="+tag)
	}
	s := settings(command...)
	s.Input, s.Batch = "text", true
	return open(t, s).Notify(t.Context(), exec.Target{}, notifiertest.Message("k"))
}
