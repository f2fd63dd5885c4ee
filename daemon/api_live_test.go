//go:build !quick

package daemon

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
)

const operatedConfig = `
daemon {
  listen             = "127.0.0.1:%s"
  notification_roles = []
}
page {
  tokens_file = "tokens"
}
defaults {
  fault_tolerance    = "0s"
  notification_roles = []
}
imap_check "mx" {
  hostname  = "localhost"
  addresses = "ipv4"
  port      = %d
  security  = "tls"
  tls { ca_file = "ca.pem" }
}
`

// An operator is a program with a token that may do all.
type operator struct {
	t    *testing.T
	base string
}

// ask returns the body of an answer, which must have a status.
func (o *operator) ask(want int, method, path, body string, headers ...string) string {
	o.t.Helper()
	answer := o.begin(o.t.Context(), method, path, body, headers...)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != want {
		o.t.Fatalf("%s %s is answered %d, %v: %s", method, path, answer.StatusCode, err, text)
	}
	return string(text)
}

func (o *operator) begin(ctx context.Context, method, path, body string, headers ...string) *http.Response {
	o.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, o.base+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer robot-secret")
	r.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	return answer
}

// heardEvents are the words of a stream of events, as they come.
func heardEvents(answer *http.Response) <-chan string {
	words := make(chan string, 1000)
	go func() {
		defer close(words)
		name := ""
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "event":
				name = value
			case "data":
				var told struct {
					Phase  string `json:"phase"`
					State  string `json:"state"`
					Checks []struct{ State string }
				}
				_ = json.Unmarshal([]byte(value), &told) // what is missing is not in the words
				for _, c := range told.Checks {
					told.State = c.State
				}
				words <- strings.Join(strings.Fields(name+" "+told.Phase+" "+told.State), " ")
			}
		}
	}()
	return words
}

// await waits until a stream says something.
func (o *operator) await(words <-chan string, want string) {
	o.t.Helper()
	var heard []string
	for {
		select {
		case w, open := <-words:
			if heard = append(heard, w); w == want {
				return
			}
			if !open {
				o.t.Fatalf("the stream ends with %q, and %q has not come", heard, want)
			}
		case <-time.After(time.Minute):
			o.t.Fatalf("%q has not come, but %q", want, heard)
		}
	}
}

// What operators do in a night, with a real daemon and a real server: watch, test, see an incident
// open, acknowledge it, write a note, silence, see it end.
func TestANightOfAnOperator(t *testing.T) {
	authority, dir, port := ca.New(), t.TempDir(), freePort(t)
	server, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: authority.Issue(ca.Leaf{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	sum := sha256.Sum256([]byte("robot-secret"))
	if err := authority.WriteFile(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"main.hcl": fmt.Sprintf(operatedConfig, port, server.Addr().Port()), "tokens": "robot operate " + hex.EncodeToString(sum[:]) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runWalked(t, filepath.Join(dir, "main.hcl"), dir)
	o := &operator{t, "http://127.0.0.1:" + port + "/api/v1/"}
	defer http.DefaultClient.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	watch := o.begin(ctx, "GET", "events", "")
	events := heardEvents(watch)
	defer func() {
		cancel()
		_ = watch.Body.Close()
		for range events { // until its goroutine has ended
		}
	}()
	o.await(events, "hello")
	o.ask(http.StatusOK, "POST", "checks/mx/recheck", "")
	o.await(events, "checks ok")

	// Tests do not count, and tell of their phases.
	o.testsAs("phase dns, phase connect, phase tls, phase greeting, phase capability, phase logout, result ok")
	server.Refuse()
	o.testsAs("phase dns, phase connect, result down")
	o.testsAs("phase dns, phase connect, result down")
	var status api.Status
	if err := json.Unmarshal([]byte(o.ask(http.StatusOK, "GET", "status", "")), &status); err != nil || status.Checks[0].State != "ok" {
		t.Errorf("after tests the check is %s, %v", status.Checks[0].State, err)
	}
	for range 2 {
		o.ask(http.StatusOK, "POST", "checks/mx/recheck", "")
	}
	o.await(events, "incident connect open")
	id := o.openIncident()
	o.ask(http.StatusOK, "POST", "incidents/"+id+"/ack", `{"reason":"on it","until":"2h"}`)
	o.await(events, "incident connect acknowledged")
	o.ask(http.StatusOK, "POST", "incidents/"+id+"/note", `{"text":"a cable","public":true}`)
	o.ask(http.StatusOK, "POST", "silences", `{"check":"mx","until":"1h","reason":"cable"}`)
	story := o.ask(http.StatusOK, "GET", "incidents/"+id, "")
	for _, want := range []string{`"by":"robot"`, `"text":"a cable"`, `"reason":"on it"`, `"public":true`} {
		if !strings.Contains(story, want) {
			t.Errorf("the incident lacks %s: %s", want, story)
		}
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	o.ask(http.StatusOK, "POST", "checks/mx/recheck", "")
	o.await(events, "checks recovering")
	o.ask(http.StatusUnauthorized, "POST", "checks/mx/test", "", "Authorization: Bearer wrong")
}

// testsAs tests the check, and says what the stream said.
func (o *operator) testsAs(want string) {
	o.t.Helper()
	answer := o.begin(o.t.Context(), "POST", "checks/mx/test", "", "Accept: text/event-stream")
	defer func() { _ = answer.Body.Close() }()
	var words []string
	for w := range heardEvents(answer) {
		words = append(words, w)
	}
	if got := strings.Join(words, ", "); got != want {
		o.t.Errorf("the test says %s, want %s", got, want)
	}
}

// openIncident returns the id of the one incident that is open.
func (o *operator) openIncident() string {
	o.t.Helper()
	var list api.Incidents
	if err := json.Unmarshal([]byte(o.ask(http.StatusOK, "GET", "incidents?open", "")), &list); err != nil || len(list.Incidents) != 1 {
		o.t.Fatalf("%d incidents are open, %v", len(list.Incidents), err)
	}
	return string(list.Incidents[0].ID)
}
