package jsm_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A fake is the alert API of Jira Service Management as its documentation describes it: it keeps
// alerts by their alias, refuses what does not fit its fields, and takes with 202 what is about no
// alert.
type fake struct {
	mu     sync.Mutex
	key    string
	alerts map[string]*kept // by alias
}

type kept struct {
	state    string // open, acknowledged, closed
	priority string
	count    int
	notes    []string
}

func newFake(key string) *fake { return &fake{key: key, alerts: map[string]*kept{}} }

// A created is the body of a new alert.
type created struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description"`
	Responders  []map[string]any  `json:"responders"`
	Tags        []string          `json:"tags"`
	Details     map[string]string `json:"details"`
	Entity      string            `json:"entity"`
	Source      string            `json:"source"`
	Priority    string            `json:"priority"`
}

// A noted is the body of a request about an alert.
type noted struct {
	User, Source, Note string
}

func (f *fake) answer(r httpsink.Request) httpsink.Response {
	switch {
	case r.Header.Get("Authorization") != "GenieKey "+f.key:
		return inJSON(http.StatusUnauthorized, map[string]any{"message": "Could not authenticate", "took": 0.0, "requestId": "r"})
	case r.Method != http.MethodPost:
		return inJSON(http.StatusMethodNotAllowed, map[string]any{"message": "no"})
	case r.Header.Get("Content-Type") != "application/json":
		return inJSON(http.StatusUnsupportedMediaType, map[string]any{"message": "no"})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Path == "/jsm/v2/alerts" {
		return f.create(r.Body)
	}
	return f.change(r)
}

func (f *fake) create(body []byte) httpsink.Response {
	var a created
	if err := decode(body, &a); err != nil {
		return unprocessable(map[string]string{"body": err.Error()})
	}
	if faults := faultsOf(a); len(faults) > 0 {
		return unprocessable(faults)
	}
	known := f.alerts[a.Alias]
	if known == nil || known.state == "closed" {
		known = &kept{state: "open", priority: a.Priority}
		f.alerts[a.Alias] = known
	}
	known.count++
	return accepted("Request will be processed")
}

// faultsOf lists what is wrong with an alert, by field.
func faultsOf(a created) map[string]string {
	faults := map[string]string{}
	check := func(ok bool, field string) {
		if !ok {
			faults[field] = "is not valid"
		}
	}
	runes := utf8.RuneCountInString
	check(a.Message != "" && runes(a.Message) <= 130, "message")
	check(a.Alias != "" && runes(a.Alias) <= 512, "alias")
	check(runes(a.Description) <= 15_000, "description")
	check(runes(a.Entity) <= 512, "entity")
	check(runes(a.Source) <= 100, "source")
	check(regexp.MustCompile(`^P[1-5]$`).MatchString(a.Priority), "priority")
	check(len(a.Tags) <= 20 && !slices.ContainsFunc(a.Tags, func(tag string) bool { return tag == "" || runes(tag) > 50 }), "tags")
	size := 0
	for name, text := range a.Details {
		size += runes(name) + runes(text)
	}
	check(size <= 8000, "details")
	for _, r := range a.Responders {
		kind, _ := r["type"].(string)
		name, by := r["name"].(string)
		if kind == "user" {
			name, by = r["username"].(string)
		}
		check(by && name != "" && len(r) == 2 && slices.Contains([]string{"team", "user", "escalation", "schedule"}, kind), "responders")
	}
	return faults
}

var changeForm = regexp.MustCompile(`^/jsm/v2/alerts/([^/?]+)/(close|acknowledge)\?identifierType=alias$`)

func (f *fake) change(r httpsink.Request) httpsink.Response {
	parts := changeForm.FindStringSubmatch(r.Path)
	if parts == nil {
		return inJSON(http.StatusNotFound, map[string]any{"message": "no such path " + r.Path})
	}
	alias, err := url.PathUnescape(parts[1])
	var n noted
	if err != nil || decode(r.Body, &n) != nil {
		return unprocessable(map[string]string{"body": "is not valid"})
	}
	if utf8.RuneCountInString(n.Note) > 25_000 || utf8.RuneCountInString(n.Source) > 100 {
		return unprocessable(map[string]string{"note": "is too long"})
	}
	known := f.alerts[alias]
	// Unknown, or closed: taken, and dropped later.
	if known == nil || known.state == "closed" {
		return accepted("Request will be processed")
	}
	known.notes = append(known.notes, n.Note)
	known.state = strings.TrimSuffix(parts[2], "e") + "ed"
	return accepted("Request will be processed")
}

func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields() // a spelling that it would ignore is a fault of ours
	return decoder.Decode(into)
}

// alert returns what is kept of an alias.
func (f *fake) alert(alias string) kept {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.alerts[alias]; known != nil {
		return *known
	}
	return kept{}
}

// open lists the aliases of the alerts that are not closed.
func (f *fake) open() (aliases []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for alias, known := range f.alerts {
		if known.state != "closed" {
			aliases = append(aliases, alias)
		}
	}
	return aliases
}

func accepted(result string) httpsink.Response {
	return inJSON(http.StatusAccepted, map[string]any{"result": result, "took": 0.107, "requestId": "43a29c5c-3dbf-4fa4-9c26-f4f71023e120"})
}

func unprocessable(faults map[string]string) httpsink.Response {
	return inJSON(http.StatusUnprocessableEntity, map[string]any{"message": "Request body is not processable. Please check the errors.", "errors": faults, "took": 0.0, "requestId": "r"})
}

func inJSON(status int, value any) httpsink.Response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // the values are our own
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}
