package slack_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/slack"
)

// An ear is a notifier that listens to a workspace.
type ear struct {
	*workspace
	notifier notifiers.Notifier
	presses  chan notifiers.Press
	err      chan error // what Listen returned
	refuse   error      // of acknowledge
	stop     func()
}

func (w *workspace) settings(ackers string) slack.Settings {
	return slack.Settings{Token: opaque.NewSecret(canary), AppToken: opaque.NewSecret(appToken), APIURL: w.URL + "/api", Ackers: ackers}
}

// listen has a notifier listen until the test ends.
func listen(t *testing.T, w *workspace, settings slack.Settings) *ear {
	t.Helper()
	e := &ear{workspace: w, notifier: open(t, settings), presses: make(chan notifiers.Press, 8), err: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	l, ok := e.notifier.(notifiers.Listener)
	if !ok {
		t.Fatal("it does not listen")
	}
	go func() {
		defer close(ended)
		e.err <- l.Listen(ctx, func(_ context.Context, p notifiers.Press) (string, error) {
			e.presses <- p
			return "Acknowledged by <!here> & others.", e.refuse
		})
	}()
	e.stop = func() { cancel(); <-ended }
	t.Cleanup(e.stop)
	return e
}

// linked is a message about an open incident that can be acknowledged.
func linked() notifiers.Message {
	m := notifiertest.Message("key-button")
	m.Items[0].Incident.AcknowledgeCode = "01JD6Z.n4bQgYhMfWWaL-qgxVrQFa"
	return m
}

// post sends a message, and returns what was posted.
func (e *ear) send(t *testing.T, m notifiers.Message) url.Values {
	t.Helper()
	if _, err := e.notifier.Notify(t.Context(), ops, m); err != nil {
		t.Fatal(err)
	}
	return <-e.posts
}

var anna = map[string]any{"id": "U024BE7LH", "username": "anna", "name": "anna", "team_id": "T1"}

// The button of a message comes back with who pressed it, and the answer stands in the thread.
func TestButtonAcknowledges(t *testing.T) {
	w := newWorkspace(t)
	e := listen(t, w, w.settings(""))
	c := <-w.connections
	m := linked()
	posted := e.send(t, m)
	golden.Compare(t, "testdata/button.txt", show(t, maps.Clone(posted)))
	for _, refuse := range []error{nil, errors.New("already acknowledged")} {
		e.refuse = refuse
		c.deliver("interactive", pressed(t, posted, anna))
		want := notifiers.Press{Code: m.Items[0].Incident.AcknowledgeCode, By: "anna (U024BE7LH)", Via: "Slack", Monitor: m.Monitor}
		if p := <-e.presses; p != want {
			t.Errorf("%+v, want %+v", p, want)
		}
		answer := <-w.posts
		if answer.Get("channel") != "C024BE91L" || answer.Get("thread_ts") != "1795456025.000200" || answer.Get("reply_broadcast") == "true" ||
			answer.Get("text") != "<@U024BE7LH> Acknowledged by &lt;!here&gt; &amp; others." {
			t.Errorf("answered: %v", answer)
		}
	}
}

// The reply to a message in a thread stands in the same thread.
func TestAnswersStayInTheThread(t *testing.T) {
	w := newWorkspace(t)
	e := listen(t, w, w.settings(""))
	c := <-w.connections
	payload := pressed(t, e.send(t, linked()), anna)
	payload["container"].(map[string]any)["thread_ts"] = "1795450000.000100"
	c.deliver("interactive", payload)
	<-e.presses
	if answer := <-w.posts; answer.Get("thread_ts") != "1795450000.000100" {
		t.Errorf("answered: %v", answer)
	}
}

// Where ackers are named, nobody else acknowledges, and is told so with the id that is missing.
func TestOnlyAckersAcknowledge(t *testing.T) {
	w := newWorkspace(t)
	e := listen(t, w, w.settings("U024BE7LH U0BERT"))
	c := <-w.connections
	posted := e.send(t, linked())
	c.deliver("interactive", pressed(t, posted, map[string]any{"id": "U0EVE", "name": "anna"}))
	if text := (<-w.posts).Get("text"); !strings.Contains(text, "<@U0EVE> Your user id U0EVE is not among the ackers") || len(e.presses) > 0 {
		t.Errorf("%q, %d presses", text, len(e.presses))
	}
	c.deliver("interactive", pressed(t, posted, anna))
	if p := <-e.presses; p.By != "anna (U024BE7LH)" {
		t.Errorf("%+v", p)
	}
	<-w.posts
}

// What is no press of our button is acknowledged as well, since Slack would send it again, and
// nothing comes of it.
func TestOtherEventsAreTaken(t *testing.T) {
	w := newWorkspace(t)
	e := listen(t, w, w.settings(""))
	c := <-w.connections
	other := pressed(t, e.send(t, linked()), anna)
	other["actions"] = []any{map[string]any{"type": "button", "action_id": "somebody_elses", "block_id": "b", "value": "x"}}
	c.deliver("interactive", other)
	c.deliver("interactive", map[string]any{"type": "shortcut", "callback_id": "x", "user": anna})
	c.write("not JSON")
	c.write(`{"type":"something_new","envelope_id":"x"}`)
	hostile := pressed(t, e.send(t, linked()), map[string]any{"id": "", "name": strings.Repeat("ä", 100)})
	delete(hostile, "container")
	delete(hostile, "message")
	c.deliver("interactive", hostile)
	if p := <-e.presses; p.By != strings.Repeat("ä", 24)+" ()" || len(e.presses) > 0 || len(w.posts) > 0 {
		t.Errorf("%+v, and %d more", p, len(e.presses))
	}
}

// Slack warns before it renews a connection. The next one is opened at once, and hears presses.
func TestConnectionsAreRenewed(t *testing.T) {
	w := newWorkspace(t)
	settings := w.settings("")
	e := listen(t, w, settings)
	slack.LetConnectionsBeShort(e.notifier)
	posted := e.send(t, linked())
	for _, reason := range []string{"warning", "refresh_requested", ""} {
		c := <-w.connections
		c.deliver("interactive", pressed(t, posted, anna))
		<-e.presses
		<-w.posts
		if reason == "" {
			break
		}
		c.disconnect(reason)
		<-c.gone
	}
	e.stop()
	if err := <-e.err; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// A connection that Slack closes as soon as it is open is not opened again without a pause.
func TestConnectionsThatEndAtOnce(t *testing.T) {
	w := newWorkspace(t)
	e := listen(t, w, w.settings(""))
	(<-w.connections).disconnect("link_disabled")
	if err := <-e.err; err == nil || notifiers.Wait(err) != 10*time.Second || !strings.Contains(err.Error(), "the connection to Slack was closed after 0s") {
		t.Errorf("%v, after %s", err, notifiers.Wait(err))
	}
}

// What Slack refuses is said with what helps, and is permanent where only a person can help; no
// secret is in it.
func TestListeningThatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status    int
		header    string // Retry-After
		body      string
		permanent bool
		wait      time.Duration
		says      string
	}{
		"token":     {200, "", `{"ok":false,"error":"invalid_auth"}`, true, 0, "listening to Slack: invalid_auth: app_token is not valid"},
		"bot token": {200, "", `{"ok":false,"error":"not_allowed_token_type"}`, true, 0, "must be an app-level token with the scope connections:write"},
		"scope":     {200, "", `{"ok":false,"error":"missing_scope","needed":"connections:write"}`, true, 0, "the token needs the scope connections:write"},
		"passing":   {200, "", `{"ok":false,"error":"internal_error"}`, false, 0, "listening to Slack: internal_error"},
		"rate":      {429, "30", `{"ok":false,"error":"ratelimited"}`, false, 30 * time.Second, "429"},
		"outage":    {503, "", "upstream " + appToken, false, 0, "503"},
		"not found": {404, "", "", true, 0, "404"},
		"portal":    {200, "", "<html>Log in</html>", false, 0, "listening to Slack: "},
		"nothing":   {200, "", "{}", false, 0, "listening to Slack: "},
		"ticket":    {200, "", `{"ok":true,"url":"ws://127.0.0.1:1/link/?ticket=hunter2"}`, false, 0, "refused"},
		"no url":    {200, "", `{"ok":true,"url":"ws://%zz?ticket=hunter2"}`, false, 0, "the address that Slack gave is not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.refuse = func(rw http.ResponseWriter) bool {
				if test.header != "" {
					rw.Header().Set("Retry-After", test.header)
				}
				rw.WriteHeader(test.status)
				_, _ = fmt.Fprint(rw, test.body)
				return true
			}
			err := <-listen(t, w, w.settings("")).err
			if err == nil || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v; permanent: %t, wait: %s", err, notifiers.IsPermanent(err), notifiers.Wait(err))
			}
		})
	}
}

// Without app_token there is no button, and nobody listens.
func TestNoButtonWithoutAppToken(t *testing.T) {
	w := newWorkspace(t)
	n := open(t, slack.Settings{Token: opaque.NewSecret(canary), APIURL: w.URL + "/api"})
	if _, listens := n.(notifiers.Listener); listens {
		t.Error("it listens")
	}
	if _, err := n.Notify(t.Context(), ops, linked()); err != nil {
		t.Fatal(err)
	}
	if text := (<-w.posts).Get("attachments"); strings.Contains(text, "actions") {
		t.Errorf("%s", text)
	}
}

// A button stands where one open incident is told of that nobody has acknowledged.
func TestWhereButtonsStand(t *testing.T) {
	w := newWorkspace(t)
	n := open(t, w.settings(""))
	one := linked()
	two := linked()
	two.Items = append(two.Items, two.Items[0])
	two.Items[1].Incident.ID, two.Items[1].Incident.Check = "01JD70", "mx2/imaps"
	closed := linked()
	closed.Items[0].Transition = notifiers.Closed
	many := linked()
	for len(many.Items) <= notifiers.MaxItems {
		many.Items = append(many.Items, many.Items[0])
		in := &many.Items[len(many.Items)-1].Incident
		in.ID, in.Check = fmt.Sprint("01JD", len(many.Items)), fmt.Sprint("mx", len(many.Items))
	}
	acknowledged := linked()
	acknowledged.Items[0].Incident.AcknowledgeCode = ""
	for name, test := range map[string]struct {
		m    notifiers.Message
		want int
	}{"one": {one, 1}, "two": {two, 2}, "closed": {closed, 0}, "a digest": {many, 0}, "acknowledged": {acknowledged, 0}, "a test": {notifiers.Message{Key: "k"}, 0}} {
		if _, err := n.Notify(t.Context(), ops, test.m); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count((<-w.posts).Get("attachments"), `"type":"actions"`); got != test.want {
			t.Errorf("%s: %d buttons, want %d", name, got, test.want)
		}
	}
}

// Settings for acknowledging that cannot work are refused.
func TestListeningSettings(t *testing.T) {
	for says, s := range map[string]slack.Settings{
		"ackers: this needs app_token":           {Ackers: "U024BE7LH"},
		"app_token: use the app-level token":     {AppToken: opaque.NewSecret("xoxb-hunter2")},
		`ackers: "anna" is not the id of a user`: {AppToken: opaque.NewSecret(appToken), Ackers: "U024BE7LH anna"},
	} {
		s.Token = opaque.NewSecret(canary)
		if _, err := s.Open(); err == nil || !strings.HasPrefix(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, says)
		}
	}
}
