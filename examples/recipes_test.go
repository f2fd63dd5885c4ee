package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/sms"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

// A published service, as far as its documentation says what it takes: it returns why it
// refuses a request, and whether the request ends something.
type published struct {
	credentials map[string]string
	judge       func(r httpsink.Request) (key string, ends bool, err error)
	accepts     httpsink.Response
}

var recipes = map[string]published{
	// https://api-docs.incident.io: POST /v2/alert_events/http/{alert_source_config_id}
	"incident-io": {map[string]string{"incident-io": "canary-token"}, func(r httpsink.Request) (string, bool, error) {
		var e struct {
			Title, Description, Status string
			Key                        string         `json:"deduplication_key"`
			URL                        *string        `json:"source_url"`
			Metadata                   map[string]any `json:"metadata"`
		}
		err := asked(r, "/v2/alert_events/http/01EXAMPLE", "Bearer canary-token", &e)
		switch {
		case err != nil:
		case e.Title == "" || e.Key == "" || len(r.Body) > 512<<10:
			err = errors.New("no title or key, or too long")
		case e.URL != nil && !strings.HasPrefix(*e.URL, "https://"):
			err = errors.New("source_url is no URL")
		case e.Status != "firing" && e.Status != "resolved":
			err = fmt.Errorf("status %q", e.Status)
		}
		return e.Key, e.Status == "resolved", err
	}, httpsink.Response{Status: 202, Body: `{"status":"success","message":"Event accepted for processing","deduplication_key":"k"}`}},
	// Grafana IRM documentation: formatted webhook
	"grafana-irm": {map[string]string{"grafana-irm": "https://irm.example.org/integrations/v1/formatted_webhook/canary-token/"}, func(r httpsink.Request) (string, bool, error) {
		var e struct {
			Key   string `json:"alert_uid"`
			Title string
			State string
			Link  *string `json:"link_to_upstream_details"`
		}
		err := asked(r, "/integrations/v1/formatted_webhook/canary-token/", "", &e)
		switch {
		case err != nil:
		case e.Key == "" || e.Title == "" || e.Link != nil && *e.Link == "":
			err = errors.New("no alert_uid or title")
		case e.State != "alerting" && e.State != "ok":
			err = fmt.Errorf("state %q", e.State)
		}
		return e.Key, e.State == "ok", err
	}, httpsink.Response{Status: 200, Body: "Ok."}},
	// Splunk On-Call REST endpoint integration guide
	"splunk-on-call": {map[string]string{"splunk-on-call": "https://alert.victorops.com/integrations/generic/20131114/alert/canary-token/mail"}, func(r httpsink.Request) (string, bool, error) {
		var e struct {
			Type    string `json:"message_type"`
			Key     string `json:"entity_id"`
			Message string `json:"state_message"`
			Tool    string `json:"monitoring_tool"`
		}
		err := asked(r, "/integrations/generic/20131114/alert/canary-token/mail", "", &e)
		switch {
		case err != nil:
		case !slices.Contains([]string{"CRITICAL", "WARNING", "ACKNOWLEDGEMENT", "RECOVERY"}, e.Type):
			err = fmt.Errorf("message_type %q", e.Type)
		case e.Key == "" || len(e.Message) > 20480 || e.Tool == "":
			err = errors.New("no entity_id, or too long")
		}
		return e.Key, e.Type == "RECOVERY", err
	}, httpsink.Response{Status: 200, Body: `{"result":"success","entity_id":"k"}`}},
	// developer.webex.com: POST /v1/messages. It knows no end.
	"webex": {map[string]string{"webex": "canary-token"}, func(r httpsink.Request) (string, bool, error) {
		var e struct{ RoomID, Text string }
		err := asked(r, "/v1/messages", "Bearer canary-token", &e)
		if err == nil && (e.RoomID == "" || e.Text == "" || len(e.Text) > 7439) {
			err = errors.New("no room or text, or too long")
		}
		return "", false, err
	}, httpsink.Response{Status: 200, Body: `{"id":"Y2lz"}`}},
}

func asked(r httpsink.Request, path, authorization string, into any) error {
	switch {
	case r.Method != http.MethodPost || r.Path != path:
		return fmt.Errorf("%s %s", r.Method, r.Path)
	case r.Header.Get("Content-Type") != "application/json":
		return errors.New("it is not JSON")
	case r.Header.Get("Authorization") != authorization:
		return errors.New("not authorised")
	}
	return json.Unmarshal(r.Body, into)
}

// loadRecipe loads a recipe with its credentials.
func loadRecipe(t *testing.T, name string, credentials map[string]string) *config.Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("recipes", name+".hcl"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for credential, content := range credentials {
		writeRecipe(t, filepath.Join(dir, "credentials", credential), []byte(content), 0o640)
	}
	writeRecipe(t, filepath.Join(dir, "main.hcl"), text, 0o644)
	s, err := source.Read(dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	if config.HasErrors(diags) {
		t.Fatal(diags)
	}
	return cfg
}

func writeRecipe(t *testing.T, name string, text []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, mode); err != nil {
		t.Fatal(err)
	}
}

// Every recipe is taken by its service, in every kind of message: an incident has one key from
// beginning to end, and an end or a test leaves nothing open.
func TestRecipes(t *testing.T) {
	for name, service := range recipes {
		t.Run(name, func(t *testing.T) {
			sink, err := httpsink.Start(httpsink.Options{Answer: func(r httpsink.Request) httpsink.Response {
				if _, _, err := service.judge(r); err != nil {
					return httpsink.Response{Status: http.StatusBadRequest, Body: err.Error()}
				}
				return service.accepts
			}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sink.Close() })
			n := openRecipe(t, loadRecipe(t, name, service.credentials), sink.URL())
			for i, m := range append(notifiertest.Messages(), hostileMessage()) {
				if _, err := n.Notify(t.Context(), webhook.Target{}, m); err != nil {
					t.Fatalf("%s: %v", m.Key, err)
				}
				key, ends, _ := service.judge(sink.Requests()[i])
				if over := m.IsTest() || m.Items[0].Ends(); key != "" && ends != over {
					t.Errorf("%s: ends %v", m.Key, ends)
				}
				if want := wording.Of(m).Key; key != "" && key != want {
					t.Errorf("%s: key %q, want %q", m.Key, key, want)
				}
			}
		})
	}
}

// openRecipe opens the one webhook of a recipe, with another host.
func openRecipe(t *testing.T, cfg *config.Config, host string) notifiers.Notifier {
	t.Helper()
	for _, n := range cfg.Notifiers {
		settings := n.Settings.(webhook.Settings)
		u, err := url.Parse(settings.URL.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		settings.URL = opaque.NewSecret(host + u.RequestURI())
		opened, err := settings.Open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		return opened
	}
	t.Fatal("no notifier")
	return nil
}

// hostileMessage has words in it that break JSON, and no page.
func hostileMessage() notifiers.Message {
	m := notifiertest.Message("key-hostile")
	in := &m.Items[0].Incident
	in.Label, in.Description, in.URL = "a\"b\\c\n{{.}}", strings.Repeat("“quoted”\n", 2000), ""
	in.Evidence = opaque.Sanitise("* BYE " + notifiertest.HostileWords)
	return m
}

// signal-cli-rest-api, POST /v2/send (its swagger.json).
func TestRecipeOfSignal(t *testing.T) {
	number := regexp.MustCompile(`^\+[0-9]+$`)
	sink, err := httpsink.Start(httpsink.Options{Answer: func(r httpsink.Request) httpsink.Response {
		var m struct {
			Message, Number string
			Recipients      []string
		}
		if err := asked(r, "/v2/send", "", &m); err != nil || m.Message == "" || !number.MatchString(m.Number) || len(m.Recipients) != 1 || !number.MatchString(m.Recipients[0]) {
			return httpsink.Response{Status: http.StatusBadRequest, Body: `{"error":"` + fmt.Sprint(err) + `"}`}
		}
		return httpsink.Response{Status: http.StatusCreated, Body: `{"timestamp":"1795456025000"}`}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	cfg := loadRecipe(t, "signal", nil)
	settings := cfg.Notifiers["sms.signal"].Settings.(sms.Settings)
	settings.URL = opaque.NewSecret(sink.URL() + "/v2/send")
	n, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	for _, m := range append(notifiertest.Messages(), hostileMessage()) {
		if _, err := n.Notify(t.Context(), cfg.Roles["signal"].Notify[0].Target, m); err != nil {
			t.Errorf("%s: %v", m.Key, err)
		}
	}
	sink.Behave(httpsink.Behaviour{Do: httpsink.Answer, Response: httpsink.Response{
		Status: http.StatusTooManyRequests, Body: `{"error":"rate limit","challenge_tokens":["x"],"account":"+15550199"}`,
	}})
	if _, err := n.Notify(t.Context(), cfg.Roles["signal"].Notify[0].Target, notifiertest.Message("k")); err == nil || !strings.Contains(err.Error(), "challenge_tokens") {
		t.Errorf("the words of the refusal are lost: %v", err)
	}
}

// Better Stack gets a mail whose subject begins and ends as its rules say.
func TestRecipeOfBetterStack(t *testing.T) {
	n := loadRecipe(t, "better-stack", nil).Notifiers["email.better_stack"]
	words, err := wording.Open(n.Subject, n.Text)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range notifiertest.Messages() {
		want := map[string]string{
			"key-opened": "DOWN mx1/office [01JD6Z]", "key-closed-as-recovered": "RECOVERED mx1/office [01JD6Z]",
			"key-test": "[imapvigil] TEST message for IT team from vigil1.example.net",
		}[m.Key]
		if m, err := words.Apply(m); err != nil || want != "" && m.Subject() != want {
			t.Errorf("%s: subject %q, %v, want %q", m.Key, m.Subject(), err, want)
		}
	}
}
