package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// A stage is what stands for the world outside in one script.
type stage struct {
	certificates *imaptest.Certificates
	scripted     map[string]*imaptest.Server
	memory       map[string]*imaptest.Memory
	receivers    map[string]*httpsink.Sink
	relays       map[string]*smtpsink.Sink
	refusals     map[string][]smtpsink.Behaviour // of each relay
}

type stageKey struct{}

func setStage(env *testscript.Env) error {
	s := &stage{
		certificates: imaptest.NewCertificates(),
		scripted:     map[string]*imaptest.Server{},
		memory:       map[string]*imaptest.Memory{},
		receivers:    map[string]*httpsink.Sink{},
		relays:       map[string]*smtpsink.Sink{},
		refusals:     map[string][]smtpsink.Behaviour{},
	}
	env.Values[stageKey{}] = s
	env.Setenv("TZ", "UTC") // a script that is about time zones sets another one
	env.Defer(s.clear)
	soon := ca.Leaf{NotAfter: time.Now().Add(5 * 24 * time.Hour), NotBefore: time.Now().Add(-85 * 24 * time.Hour)}
	s.certificates.Add("expires-soon", s.certificates.Authority.Issue(soon))
	return s.certificates.Authority.WriteFile(filepath.Join(env.WorkDir, "ca.pem"))
}

func (s *stage) clear() {
	for _, server := range s.scripted {
		server.Close()
	}
	for _, server := range s.memory {
		server.Close()
	}
	for _, sink := range s.receivers {
		_ = sink.Close()
	}
	for _, sink := range s.relays {
		_ = sink.Close()
	}
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// stageServer is the command server:
//
//	server NAME plays FILE    follow a script of package imaptest
//	server NAME starts        be well, with TLS and a good certificate; also again
//	server NAME stops         nothing listens on the port
//	server NAME hangs         accept, and say nothing
//	server NAME shows NAME    show another certificate
func stageServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: server NAME plays FILE | starts | stops | hangs | shows CERTIFICATE")
	}
	s, name, verb := stageOf(ts), args[0], args[1]
	if verb == "plays" {
		ts.Check(s.play(ts, name, ts.ReadFile(args[2])))
		return
	}
	server := s.memory[name]
	if server == nil && verb == "starts" {
		ts.Check(s.start(ts, name))
		return
	}
	if server == nil {
		ts.Fatalf("there is no server %s", name)
	}
	ts.Check(s.change(server, verb, args[2:]))
}

func (s *stage) play(ts *testscript.TestScript, name, text string) error {
	script, err := imaptest.Parse(text)
	if err != nil {
		return err
	}
	server, err := imaptest.Start("127.0.0.1:0", script, s.certificates)
	if err != nil {
		return err
	}
	s.scripted[name] = server
	ts.Setenv(name, fmt.Sprint(server.Addr().Port()))
	return nil
}

func (s *stage) start(ts *testscript.TestScript, name string) error {
	certificate, err := s.certificates.Get("good")
	if err != nil {
		return err
	}
	server, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: certificate})
	if err != nil {
		return err
	}
	s.memory[name] = server
	ts.Setenv(name, fmt.Sprint(server.Addr().Port()))
	return nil
}

func (s *stage) change(server *imaptest.Memory, verb string, args []string) error {
	switch verb {
	case "starts":
		return server.Serve()
	case "stops":
		server.Refuse()
		return nil
	case "hangs":
		return server.Hang()
	case "shows":
		certificate, err := s.certificates.Get(strings.Join(args, " "))
		server.Show(certificate)
		return err
	}
	return errors.New("a server plays, starts, stops, hangs or shows, and does not " + verb)
}

// services are those as which a receiver can answer.
var services = map[string]func(httpsink.Request) httpsink.Response{
	"webhook": httpsink.NoContent, "alertmanager": httpsink.Alertmanager, "pagerduty": httpsink.PagerDuty, "jsm": httpsink.JSM,
	"slack": httpsink.Slack, "incoming-webhook": httpsink.IncomingWebhook, "workflows": httpsink.Workflows,
	"mattermost": httpsink.Mattermost, "googlechat": httpsink.GoogleChat, "zulip": httpsink.Zulip,
}

// stageReceiver is the command receiver:
//
//	receiver NAME                start an HTTP server that answers as a webhook's receiver does
//	receiver NAME plays SERVICE  start one that answers as a service of services
//	receiver NAME PATTERN        wait until one of its requests matches: method, path, and below them the body
func stageReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 3 || len(args) == 3 && services[args[2]] == nil {
		ts.Fatalf("usage: receiver NAME [plays SERVICE | PATTERN]")
	}
	s, name := stageOf(ts), args[0]
	if len(args) != 2 {
		service := "webhook"
		if len(args) == 3 {
			service = args[2]
		}
		sink, err := httpsink.Start(httpsink.Options{Answer: services[service]})
		ts.Check(err)
		s.receivers[name] = sink
		ts.Setenv(name, sink.URL())
		return
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for n := 1; ; n++ {
		requests, err := s.receivers[name].Wait(ctx, n)
		if err != nil {
			ts.Fatalf("none of %d requests is like %q", n-1, args[1])
		}
		r := requests[n-1]
		if text := fmt.Sprintf("%s %s\n%s", r.Method, r.Path, r.Body); pattern.MatchString(text) {
			ts.Logf("[%s]\n%s\n", name, text)
			return
		}
	}
}

// stageRelay is the command relay:
//
//	relay NAME                          start an SMTP server, or have it accept all again
//	relay NAME refuses ADDRESS CODE WORDS  answer so when the address is a recipient
func stageRelay(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 && (len(args) != 5 || args[1] != "refuses") {
		ts.Fatalf("usage: relay NAME [refuses ADDRESS CODE WORDS]")
	}
	s, name := stageOf(ts), args[0]
	sink := s.relays[name]
	if sink == nil {
		started, err := smtpsink.Start(smtpsink.Options{})
		ts.Check(err)
		sink, s.relays[name], s.refusals[name] = started, started, nil
		ts.Setenv(name, fmt.Sprint(sink.Port()))
	}
	if len(args) == 1 {
		s.refusals[name] = nil
		sink.Behave()
		return
	}
	code, err := strconv.Atoi(args[3])
	ts.Check(err)
	s.refusals[name] = append(s.refusals[name], smtpsink.Behaviour{At: smtpsink.Rcpt, To: args[2], Code: code, Text: args[4]})
	sink.Behave(s.refusals[name]...)
}

// writeKeys writes the keys of the JSON that was printed, one a line, as
// checks[].addresses[].timings_ms.dns: they are an interface. All of them must be among
// those that the README has for the command.
func writeKeys(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keys FILE COMMAND")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	found := map[string]bool{}
	addKeys(found, "", value)
	documented, err := documentedKeys(args[1])
	ts.Check(err)
	for key := range found {
		if !slices.Contains(documented, key) && !forPeople.MatchString(key) {
			ts.Fatalf("README.md does not have the key %s of %s", key, args[1])
		}
	}
	text := strings.Join(slices.Sorted(maps.Keys(found)), "\n") + "\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func addKeys(found map[string]bool, at string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			addKeys(found, strings.TrimPrefix(at+"."+key, "."), inner)
		}
	case []any:
		for _, inner := range v {
			addKeys(found, at+"[]", inner)
		}
		found[at+"[]"] = true
	default:
		found[at] = true
	}
}
