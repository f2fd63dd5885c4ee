//go:build !quick

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/journal"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/stream"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

const nodesConfig = `
cluster {
  servers     = ["nats://127.0.0.1:4222"]
  alone_after = "10s"
}
node "fra1" {}
node "nyc1" {}
node "lon1" {}
daemon {
  notification_roles = []
}
notifier "webhook" "hook" {
  url = "%s"
}
notification_role "people" {
  notify {
    via = notifier.webhook.hook
  }
}
server "mx1" {
  hostname = "127.0.0.1"
  imap_check "imap" {
    port               = %d
    interval           = "10s"
    security           = "tls"
    tls {
      ca_file = "ca.pem"
    }
    timeout            = "2s"
    fault_tolerance    = "0s"
    recovery_tolerance = "0s"
    retry_interval     = "1s"
    notification_roles = [notification_role.people]
  }
}
`

// A team is some nodes in this process, over a bus in this process.
type team struct {
	t       *testing.T
	dir     string
	network *local.Network
	sink    *httpsink.Sink
	nodes   map[string]*monitor
	stop    map[string]func()
}

// newTeam makes the files and the shared journal.
func newTeam(t *testing.T, port uint16, authority *ca.Authority) *team {
	t.Helper()
	dir, err := os.MkdirTemp("", "team-") // the paths of sockets have to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sink, err := httpsink.Start(httpsink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	if err := authority.WriteFile(filepath.Join(dir, "ca.pem")); err != nil {
		t.Fatal(err)
	}
	w := &team{t: t, dir: dir, network: local.New(), sink: sink, nodes: map[string]*monitor{}, stop: map[string]func(){}}
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), fmt.Appendf(nil, nodesConfig, sink.URL(), port), 0o600); err != nil {
		t.Fatal(err)
	}
	maker := w.network.Connect("maker")
	defer maker.Close()
	if err := stream.Create(t.Context(), maker.Stream(), slices.Values([]journal.Record(nil))); err != nil {
		t.Fatal(err)
	}
	return w
}

// start starts a node, which runs until the end of the test.
func (w *team) start(name string) {
	w.t.Helper()
	ready := make(chan struct{})
	m := &monitor{Options: Options{
		ConfigPath: filepath.Join(w.dir, "main.hcl"), StateDir: filepath.Join(w.dir, name), Control: filepath.Join(w.dir, name+".sock"),
		Node: name, Log: zap.NewNop(), Listen: new(string), Ready: func() { close(ready) },
		connect: func(node string) (bus.Bus, error) { return w.network.Connect(node), nil },
	}}
	ctx, stop := context.WithCancel(context.Background())
	first, err := m.openAll(ctx)
	if err != nil {
		stop()
		w.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := errors.Join(m.runTasks(ctx, first), m.journal.Close()); err != nil {
			w.t.Errorf("%s: %v", name, err)
		}
	})
	w.nodes[name], w.stop[name] = m, sync.OnceFunc(func() { stop(); running.Wait() })
	w.t.Cleanup(w.stop[name])
	<-ready
}

// kill ends a node that says nothing more.
func (w *team) kill(name string) {
	w.network.Cut(name)
	w.stop[name]()
	delete(w.nodes, name)
}

// until waits until something is so.
func (w *team) until(what string, is func() bool) {
	w.t.Helper()
	ctx, enough := context.WithTimeout(w.t.Context(), patience)
	defer enough()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			for name, m := range w.nodes {
				w.t.Logf("%s: %+v", name, m.member.node.State())
			}
			w.t.Fatalf("not so: %s; told: %q", what, w.told())
		}
	}
}

// decider waits until one node decides and the others know it, and returns its name.
func (w *team) decider() (name string) {
	w.t.Helper()
	w.until("one node decides", func() bool {
		name = ""
		for node, m := range w.nodes {
			if m.member.node.Role() == cluster.Deciding {
				name = node
			}
		}
		for _, m := range w.nodes {
			if m.member.node.Decider() != name {
				return false
			}
		}
		return name != ""
	})
	return name
}

// others lists the nodes that do not decide, by name.
func (w *team) others(decider string) (names []string) {
	for name := range w.nodes {
		if name != decider {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// told lists what people were told, each message once.
func (w *team) told() (list []string) {
	keys := map[string]bool{}
	for _, r := range w.sink.Requests() {
		var body struct {
			Key, Type string
			Incident  struct{ Check, State string }
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			w.t.Error(err)
		}
		if !keys[body.Key] {
			keys[body.Key] = true
			list = append(list, body.Incident.Check+" "+body.Type)
		}
	}
	return list
}

func (w *team) client(name string) *api.Client {
	c := api.NewClient(filepath.Join(w.dir, name+".sock"))
	c.Signature.User = "anna"
	return c
}

// A server dies, whoever decides is killed, and the server recovers: people are told once of each,
// whichever node they ask.
func TestThreeNodesAreOneMonitor(t *testing.T) {
	authority := ca.New()
	server, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: authority.Issue(ca.Leaf{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w := newTeam(t, server.Addr().Port(), authority)
	for _, name := range []string{"fra1", "lon1", "nyc1"} {
		w.start(name)
	}
	first := w.decider()
	followers := w.others(first)
	w.askEverywhere(first, followers)
	w.until("the service is well in the eyes of all", func() bool { return w.stateAt(followers[0]) == "ok" })

	if got := w.recheck(followers[1]); got != "ok" {
		t.Errorf("rechecked, it is %s", got)
	}

	server.Refuse()
	if got := w.recheck(followers[1]); got != "down" {
		t.Errorf("rechecked when it has died, it is %s", got)
	}
	w.until("people are told that it is down", func() bool { return slices.Equal(w.told(), []string{"mx1/imap incident.opened"}) })
	w.acknowledge(followers[0])

	w.kill(first)
	second := w.decider()
	if second == first {
		t.Fatalf("%s decides although it is gone", first)
	}
	other := w.others(second)[0]
	if got := w.stateAt(other); got != "acknowledged" {
		t.Errorf("%s says that the check is %s", other, got)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	w.until("people are told that it is well", func() bool { return slices.Contains(w.told(), "mx1/imap incident.closed") })
	w.stepDown(other, second)
	if got := w.told(); !slices.Equal(got, []string{"mx1/imap incident.opened", "mx1/imap incident.closed"}) {
		t.Errorf("people were told %q", got)
	}
}

// askEverywhere looks whether each node says who decides and what it is itself.
func (w *team) askEverywhere(decider string, followers []string) {
	w.t.Helper()
	for name := range w.nodes {
		status, err := w.client(name).Status(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		role := api.Following
		if name == decider {
			role = api.Deciding
		}
		if n := status.Node; n == nil || n.Name != name || n.Decider != decider || n.Role != role || n.Location != name {
			w.t.Errorf("%s says that it is %+v", name, n)
		}
		nodes, err := w.client(name).Nodes(w.t.Context())
		if err != nil || len(nodes.Nodes) != 3 || nodes.Node.Name != name {
			w.t.Errorf("%s knows %+v, %v", name, nodes, err)
		}
	}
}

// stateAt returns what the status of a node says of the check.
func (w *team) stateAt(name string) string {
	status, err := w.client(name).Status(w.t.Context())
	if err != nil || len(status.Checks) != 1 {
		w.t.Fatalf("%d checks, %v", len(status.Checks), err)
	}
	c := status.Checks[0]
	if len(c.Acknowledged) > 0 {
		return "acknowledged"
	}
	return string(c.State)
}

// recheck has the check probed now, and returns what all nodes see.
func (w *team) recheck(name string) string {
	w.t.Helper()
	r, err := w.client(name).Recheck(w.t.Context(), "mx1/imap")
	if err != nil {
		w.t.Fatal(err)
	}
	return string(r.State)
}

// acknowledge acknowledges the open incident on a node that follows.
func (w *team) acknowledge(name string) {
	w.t.Helper()
	c := w.client(name)
	list, err := c.Incidents(w.t.Context())
	if err != nil || len(list.Incidents) != 1 {
		w.t.Fatalf("%+v, %v", list, err)
	}
	a, err := c.Acknowledge(w.t.Context(), list.Incidents[0].ID, "on it", time.Time{})
	if err != nil || !strings.HasSuffix(a.By, " on "+name) {
		w.t.Fatalf("acknowledged by %q, %v", a.By, err)
	}
}

// stepDown has the node that decides make room, and waits until another one does.
func (w *team) stepDown(asked, decider string) {
	w.t.Helper()
	if _, err := w.client(asked).StepDown(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.until("another node decides", func() bool { return w.nodes[asked].member.node.Role() == cluster.Deciding })
	if role := w.nodes[decider].member.node.Role(); role != cluster.Following {
		w.t.Errorf("%s is %s after it stepped down", decider, role)
	}
}
