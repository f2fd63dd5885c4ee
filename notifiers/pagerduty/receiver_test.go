package pagerduty_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A fake is PagerDuty as its documentation describes the Events API v2: it keeps alerts by their
// key, refuses what is not an event, and drops with 202 what is about no open alert.
type fake struct {
	mu     sync.Mutex
	key    string
	alerts map[string]string // by dedup_key: triggered, acknowledged, resolved
	log    map[string][]string
}

func newFake(key string) *fake {
	return &fake{key: key, alerts: map[string]string{}, log: map[string][]string{}}
}

// A sent is an event as the documentation has it.
type sent struct {
	RoutingKey string `json:"routing_key"`
	Action     string `json:"event_action"`
	DedupKey   string `json:"dedup_key"`
	Client     string `json:"client"`
	ClientURL  string `json:"client_url"`
	Links      []struct {
		Href string `json:"href"`
		Text string `json:"text"`
	} `json:"links"`
	Payload *struct {
		Summary   string         `json:"summary"`
		Source    string         `json:"source"`
		Severity  string         `json:"severity"`
		Timestamp string         `json:"timestamp"`
		Component string         `json:"component"`
		Group     string         `json:"group"`
		Class     string         `json:"class"`
		Details   map[string]any `json:"custom_details"`
	} `json:"payload"`
}

func (f *fake) answer(r httpsink.Request) httpsink.Response {
	if r.Method != http.MethodPost || r.Path != "/v2/enqueue" {
		return httpsink.Response{Status: http.StatusNotFound}
	}
	if r.Header.Get("Content-Type") != "application/json" || len(r.Body) > 512<<10 {
		return invalid("wrong type or size")
	}
	e, err := decode(r.Body)
	if err != nil {
		return invalid(err.Error())
	}
	if faults := f.faults(e); faults != nil {
		return invalid(faults...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log[e.DedupKey] = append(f.log[e.DedupKey], e.Action)
	switch state := f.alerts[e.DedupKey]; {
	case e.Action == "trigger" && (state == "" || state == "resolved"):
		f.alerts[e.DedupKey] = "triggered"
	case e.Action == "acknowledge" && state == "triggered":
		f.alerts[e.DedupKey] = "acknowledged"
	case e.Action == "resolve" && state != "":
		f.alerts[e.DedupKey] = "resolved"
	}
	return accepted("Event processed", e.DedupKey)
}

func decode(body []byte) (e sent, err error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields() // a spelling that it would ignore is a fault of ours
	return e, decoder.Decode(&e)
}

// faults lists what is wrong with an event.
func (f *fake) faults(e sent) (faults []string) {
	check := func(ok bool, text string) {
		if !ok {
			faults = append(faults, text)
		}
	}
	check(e.RoutingKey == f.key, "'routing_key' is invalid")
	check(slices.Contains([]string{"trigger", "acknowledge", "resolve"}, e.Action), "'event_action' is invalid")
	check(e.DedupKey != "" && len(e.DedupKey) <= 255, "Length of 'dedup_key' is incorrect")
	for _, l := range e.Links {
		u, err := url.Parse(l.Href)
		check(err == nil && u.Host != "" && l.Text != "", "'links' is invalid")
	}
	if e.Action != "trigger" {
		return faults
	}
	if e.Payload == nil {
		return append(faults, "'payload' is missing")
	}
	p := e.Payload
	check(p.Summary != "" && utf8.RuneCountInString(p.Summary) <= 1024, "'payload.summary' is missing or too long")
	check(p.Source != "", "'payload.source' is missing")
	check(slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity), "'payload.severity' is invalid")
	if p.Timestamp != "" {
		_, err := time.Parse(time.RFC3339, p.Timestamp)
		check(err == nil, "'payload.timestamp' is invalid")
	}
	return faults
}

// state returns how an alert is, and how many events it had.
func (f *fake) state(dedupKey string) (string, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.alerts[dedupKey], len(f.log[dedupKey])
}

// open lists the alerts that are not resolved.
func (f *fake) open() (keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, state := range f.alerts {
		if state != "resolved" {
			keys = append(keys, key)
		}
	}
	return keys
}

func accepted(message, dedupKey string) httpsink.Response {
	return inJSON(http.StatusAccepted, map[string]any{"status": "success", "message": message, "dedup_key": dedupKey})
}

func invalid(errors ...string) httpsink.Response {
	return inJSON(http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": errors})
}

func inJSON(status int, value any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // the values are our own
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}
