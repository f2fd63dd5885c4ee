package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// A fake is an Alertmanager as its openapi.yaml and api/v2/api.go describe it: it keeps alerts by
// their labels, takes the valid ones of an array, and merges what overlaps.
type fake struct {
	mu     sync.Mutex
	now    func() time.Time
	alerts map[string]posted
	log    []string // refusals
}

// A posted is a postableAlert.
type posted struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

func newFake() *fake { return &fake{now: time.Now, alerts: map[string]posted{}} }

// answer plays POST /api/v2/alerts.
func (f *fake) answer(r httpsink.Request) httpsink.Response {
	if r.Method != http.MethodPost || r.Path != "/api/v2/alerts" {
		return quoted(http.StatusNotFound, "path "+r.Path+" was not found")
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return quoted(http.StatusUnsupportedMediaType, "unsupported media type "+kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.DisallowUnknownFields() // a spelling that it would ignore is a fault of ours
	var list []posted
	if err := decoder.Decode(&list); err != nil {
		return quoted(http.StatusBadRequest, "parsing alerts body: "+err.Error())
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var invalid []string
	for _, a := range list {
		if fault := f.fault(&a); fault != "" {
			invalid = append(invalid, fault)
			continue
		}
		f.put(a)
	}
	if invalid != nil {
		f.log = append(f.log, invalid...)
		return quoted(http.StatusBadRequest, strings.Join(invalid, "; "))
	}
	return httpsink.Response{Status: http.StatusOK}
}

var nameForm = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// fault says what is wrong with an alert (types.Alert.Validate and LabelSet.Validate).
func (f *fake) fault(a *posted) string {
	if len(a.Labels) == 0 || a.Labels["alertname"] == "" {
		return "at least one label pair required"
	}
	for _, set := range []map[string]string{a.Labels, a.Annotations} {
		for name, text := range set {
			switch {
			case !nameForm.MatchString(name):
				return fmt.Sprintf("invalid name %q", name)
			case !utf8.ValidString(text):
				return fmt.Sprintf("invalid value %q", text)
			}
		}
	}
	if a.StartsAt.IsZero() || a.EndsAt.IsZero() {
		return "a time is missing"
	}
	if a.EndsAt.Before(a.StartsAt) {
		return "start time must be before end time"
	}
	if u, err := url.Parse(a.GeneratorURL); err != nil || a.GeneratorURL != "" && u.Host == "" {
		return "generatorURL must be of type uri"
	}
	return ""
}

// put merges an alert with what is known of it (types.Alert.Merge).
func (f *fake) put(a posted) {
	key := identity(a)
	if old, known := f.alerts[key]; known && old.StartsAt.Before(a.StartsAt) && old.EndsAt.After(a.StartsAt) {
		a.StartsAt = old.StartsAt
	}
	f.alerts[key] = a
}

func identity(a posted) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		parts = append(parts, name+"="+a.Labels[name])
	}
	return strings.Join(parts, ",")
}

// firing lists the alerts that fire, by what tells them apart in these tests.
func (f *fake) firing() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.alerts {
		if a.EndsAt.After(f.now()) {
			list = append(list, a.Labels["alertname"]+" "+a.Labels["severity"]+" "+a.Labels["incident"])
		}
	}
	slices.Sort(list)
	return list
}

// forget restarts it.
func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.alerts)
}

// quoted answers with a text as go-openapi does: a JSON string.
func quoted(status int, text string) httpsink.Response {
	body, err := json.Marshal(text)
	if err != nil {
		panic(err) // texts can be written
	}
	return httpsink.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}
