package telegram_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/telegram"
)

// A pressAPI is the part of the Bot API that says what people press, by
// core.telegram.org/bots/api#getting-updates: updates stay until an offset behind them is asked for,
// a call waits for one, and a press is answered once.
type pressAPI struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	updates []string // by their number, from 1; "": it was taken
	arrived chan struct{}
	offsets []int64
	broken  func(w http.ResponseWriter) bool // answers getUpdates in its place

	answers chan map[string]any
}

func newPressAPI(t *testing.T) *pressAPI {
	t.Helper()
	a := &pressAPI{t: t, arrived: make(chan struct{}), answers: make(chan map[string]any, 8)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /bot"+canary+"/getUpdates", a.getUpdates)
	mux.HandleFunc("POST /bot"+canary+"/answerCallbackQuery", a.answerQuery)
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *pressAPI) getUpdates(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Offset, Limit, Timeout int64
		Kinds                  []string `json:"allowed_updates"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Limit < 1 || asked.Limit > 100 || asked.Timeout < 1 || len(asked.Kinds) != 1 || asked.Kinds[0] != "callback_query" {
		a.t.Errorf("asked for %+v", asked)
	}
	a.mu.Lock()
	a.offsets = append(a.offsets, asked.Offset)
	broken := a.broken
	a.mu.Unlock()
	if broken != nil && broken(w) {
		return
	}
	for {
		a.mu.Lock()
		arrived := a.arrived
		var found []string
		for i, u := range a.updates {
			if id := int64(i + 1); id < asked.Offset {
				a.updates[i] = ""
			} else if u != "" && len(found) < int(asked.Limit) {
				found = append(found, u)
			}
		}
		a.mu.Unlock()
		if found != nil {
			_, _ = fmt.Fprintf(w, `{"ok":true,"result":[%s]}`, strings.Join(found, ","))
			return
		}
		select {
		case <-arrived:
		case <-r.Context().Done():
			return
		}
	}
}

func (a *pressAPI) answerQuery(w http.ResponseWriter, r *http.Request) {
	var asked map[string]any
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked["callback_query_id"] == nil {
		a.t.Errorf("answered with %v", asked)
	}
	if text, _ := asked["text"].(string); len([]rune(text)) > 200 {
		a.t.Errorf("Telegram takes 200 characters: %s", text)
	}
	a.answers <- asked
	_, _ = fmt.Fprint(w, `{"ok":true,"result":true}`)
}

// say has something happen to the bot.
func (a *pressAPI) say(update string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.updates = append(a.updates, fmt.Sprintf(`{"update_id":%d,%s}`, len(a.updates)+1, update))
	close(a.arrived)
	a.arrived = make(chan struct{})
}

// press has somebody press a button in a chat.
func (a *pressAPI) press(from, chat, data string) {
	a.say(fmt.Sprintf(`"callback_query":{"id":"4382bfdwdsb323b2d9","from":{%s,"is_bot":false},"message":{"message_id":7,"chat":{%s},"text":"DOWN"},"chat_instance":"1","data":%q}`, from, chat, data))
}

// An ear is a notifier that listens.
type ear struct {
	*pressAPI
	notifier notifiers.Notifier
	presses  chan notifiers.Press
	err      chan error
	refuse   error
	words    string
	stop     func()
}

const (
	anna  = `"id":110201543,"first_name":"Anna","username":"anna_ops"`
	crowd = `"id":-1002718281828,"type":"supergroup","title":"Ops"`
)

func openListener(t *testing.T, url, ackers string, targets ...notifiers.Target) notifiers.Notifier {
	t.Helper()
	n, err := telegram.Settings{Token: opaque.NewSecret(canary), APIURL: url, Ackers: ackers}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	n.(notifiers.Aimed).Aim(targets)
	return n
}

func listenTo(t *testing.T, a *pressAPI) *ear {
	t.Helper()
	e := &ear{pressAPI: a, presses: make(chan notifiers.Press, 8), err: make(chan error, 1), words: "Acknowledged by anna."}
	e.notifier = openListener(t, a.URL, "110201543 5", ops, telegram.Target{Chat: "@MailOps"})
	e.listen(t)
	return e
}

// listen has the notifier listen until the test ends or stop is called.
func (e *ear) listen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.err <- e.notifier.(notifiers.Listener).Listen(ctx, func(_ context.Context, p notifiers.Press) (string, error) {
			e.presses <- p
			return e.words, e.refuse
		})
	}()
	e.stop = func() { cancel(); <-ended }
	t.Cleanup(e.stop)
}

// Who presses the button is known by name and number, and sees what came of it: at the top of the
// screen, or, where it is not what they wanted, in a window.
func TestButtonAcknowledges(t *testing.T) {
	e := listenTo(t, newPressAPI(t))
	for _, refuse := range []error{nil, errors.New("already acknowledged")} {
		e.refuse, e.words = refuse, strings.Repeat("ä", 300)
		e.press(anna, crowd, "01JD6Z.mac")
		if p, want := <-e.presses, (notifiers.Press{Code: "01JD6Z.mac", By: "anna_ops (110201543)", Via: "Telegram"}); p != want {
			t.Errorf("%+v, want %+v", p, want)
		}
		answer := <-e.answers
		if alert, _ := answer["show_alert"].(bool); alert != (refuse != nil) || answer["callback_query_id"] != "4382bfdwdsb323b2d9" || answer["text"] != strings.Repeat("ä", 199)+"…" {
			t.Errorf("answered: %v", answer)
		}
	}
}

// Only who is among the ackers acknowledges, in a chat to which messages go, also one that is known
// by its public name.
func TestWhoMayAcknowledge(t *testing.T) {
	e := listenTo(t, newPressAPI(t))
	for name, test := range map[string]struct{ from, chat, by, says string }{
		"somebody else":       {`"id":666,"first_name":"anna_ops"`, crowd, "", "Your number 666 is not among the ackers"},
		"another chat":        {anna, `"id":-4,"type":"group"`, "", "sends no messages to this chat"},
		"another public chat": {anna, `"id":-4,"username":"mailops2"`, "", "sends no messages to this chat"},
		"a public channel":    {`"id":5,"first_name":"Bert"`, `"id":-1009876543210,"type":"channel","username":"mailops"`, "Bert (5)", "Acknowledged"},
		"without a name":      {`"id":5`, crowd, "5", "Acknowledged"},
		"a long name":         {`"id":5,"first_name":"` + strings.Repeat("x", 64) + `"`, crowd, strings.Repeat("x", 23) + "… (5)", "Acknowledged"},
	} {
		e.press(test.from, test.chat, "code")
		if text, _ := (<-e.answers)["text"].(string); !strings.Contains(text, test.says) {
			t.Errorf("%s: %q", name, text)
		}
		by := ""
		if len(e.presses) > 0 {
			by = (<-e.presses).By
		}
		if by != test.by {
			t.Errorf("%s: by %q, want %q", name, by, test.by)
		}
	}
}

// What was taken does not come again, also when listening begins anew; what is no press, or too long
// to be read, is passed over.
func TestUpdatesAreTakenOnce(t *testing.T) {
	e := listenTo(t, newPressAPI(t))
	e.say(`"message":{"message_id":1,"text":"/start"}`)
	e.say(`"callback_query":{"id":"1","data":"` + strings.Repeat("x", 100<<10) + `"}`)
	e.press(anna, crowd, "first")
	if p := <-e.presses; p.Code != "first" {
		t.Errorf("%+v", p)
	}
	<-e.answers
	e.stop()
	if err := <-e.err; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	e.press(anna, crowd, "second")
	e.listen(t)
	if p := <-e.presses; p.Code != "second" {
		t.Errorf("%+v", p)
	}
	<-e.answers
	e.stop()
	e.mu.Lock() // a request under way may note its own
	first := e.offsets[0]
	e.mu.Unlock()
	if first != 0 {
		t.Errorf("what happened before the start is left out: offset %d", first)
	}
}

// Why Telegram cannot be asked is said with what helps, and without the token.
func TestListeningThatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		status    int
		body      string
		permanent bool
		wait      time.Duration
		says      string
	}{
		"a second program": {409, `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}`, false, time.Minute, "another program asks for the same bot"},
		"a webhook":        {409, `{"ok":false,"error_code":409,"description":"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}`, true, 0, "a webhook is set for this bot"},
		"token":            {401, `{"ok":false,"error_code":401,"description":"Unauthorized ` + canary + `"}`, true, 0, "Unauthorized"},
		"rate":             {429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`, false, 35 * time.Second, "Too Many Requests"},
		"outage":           {502, `{"ok":false,"error_code":502,"description":"Bad Gateway"}`, false, 0, "Bad Gateway"},
		"portal":           {200, "<html>Log in</html>", false, 0, "has no list of updates"},
		"nothing":          {200, `{"ok":true}`, false, 0, "has no list of updates"},
		"an object":        {200, `{"ok":true,"result":{}}`, false, 0, "has no list of updates"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newPressAPI(t)
			a.broken = func(w http.ResponseWriter) bool {
				w.WriteHeader(test.status)
				_, _ = fmt.Fprint(w, test.body)
				return true
			}
			err := <-listenTo(t, a).err
			if err == nil || notifiers.IsPermanent(err) != test.permanent || notifiers.Wait(err) != test.wait || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v; permanent: %t, wait: %s", err, notifiers.IsPermanent(err), notifiers.Wait(err))
			}
		})
	}
}

// A server that has nothing to say and says it at once is asked once a second.
func TestEmptyAnswersAreNotAskedForWithoutEnd(t *testing.T) {
	a := newPressAPI(t)
	twice := make(chan time.Time, 8)
	a.broken = func(w http.ResponseWriter) bool {
		select {
		case twice <- time.Now():
		default:
		}
		_, _ = fmt.Fprint(w, `{"ok":true,"result":[]}`)
		return true
	}
	listenTo(t, a)
	first := <-twice
	if pause := (<-twice).Sub(first); pause < 900*time.Millisecond {
		t.Errorf("asked again after %s", pause)
	}
}

// A message about an open incident has the button where somebody may press it, in the place of the
// link that does the same.
func TestWhereButtonsStand(t *testing.T) {
	linked := notifiertest.Message("key-button")
	in := &linked.Items[0].Incident
	in.AcknowledgeCode, in.AcknowledgeURL = "01JD6Z.n4bQgYhMfWWaL-qgxVrQFa", "https://status.example.org/a/x"
	closed := linked
	closed.Items = []notifiers.Item{linked.Items[0]}
	closed.Items[0].Transition = notifiers.Closed
	sink, without := start(t, newBotAPI().answer)
	with := openListener(t, sink.URL(), "110201543", ops)
	for name, test := range map[string]struct {
		n    notifiers.Notifier
		m    notifiers.Message
		want string
	}{
		"with ackers":    {with, linked, `"text":"Acknowledge","callback_data":"01JD6Z.n4bQgYhMfWWaL-qgxVrQFa"`},
		"without ackers": {without, linked, `"text":"Acknowledge","url":"https://status.example.org/a/x"`},
		"over":           {with, closed, ""},
	} {
		if _, err := test.n.Notify(t.Context(), ops, test.m); err != nil {
			t.Fatal(err)
		}
		requests := sink.Requests()
		body := string(requests[len(requests)-1].Body)
		if !strings.Contains(body, test.want) || strings.Count(body, `"text":"Acknowledge"`) != min(1, len(test.want)) {
			t.Errorf("%s: %s", name, body)
		}
		if name == "with ackers" {
			golden.Compare(t, "testdata/button.txt", show(t, requests[len(requests)-1]))
		}
	}
	if linked.Items[0].Incident.AcknowledgeCode == "" {
		t.Error("the message of the caller was changed")
	}
}

// Who may acknowledge is written as numbers.
func TestAckersAreNumbers(t *testing.T) {
	for _, ackers := range []string{"anna", "-5", "0", "110201543 @anna", "99999999999999999999"} {
		if _, err := (telegram.Settings{Token: opaque.NewSecret(canary), Ackers: ackers}).Open(); err == nil || !strings.HasPrefix(err.Error(), "ackers: ") {
			t.Errorf("%s: %v", ackers, err)
		}
	}
}
