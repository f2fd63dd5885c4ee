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

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/daemon/bus/local"
	"github.com/imapvigil/imapvigil/daemon/cluster"
	"github.com/imapvigil/imapvigil/daemon/incident"
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
node "lon1" {%s}
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
	network bustest.Network
	sink    *httpsink.Sink
	nodes   map[string]*monitor
	stop    map[string]func()
}

// newTeam makes the files and the shared journal. lon1 is what the files say of that node.
func newTeam(t *testing.T, network bustest.Network, port uint16, authority *ca.Authority, lon1 string) *team {
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
	w := &team{t: t, dir: dir, network: network, sink: sink, nodes: map[string]*monitor{}, stop: map[string]func(){}}
	if err := os.WriteFile(filepath.Join(dir, "main.hcl"), fmt.Appendf(nil, nodesConfig, lon1, sink.URL(), port), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := stream.Create(t.Context(), network.Connect(t, "fra1").Stream(), 0, slices.Values([]journal.Record(nil))); err != nil {
		t.Fatal(err)
	}
	return w
}

// start starts a node, which runs until the end of the test.
func (w *team) start(name string) {
	w.t.Helper()
	ready := make(chan struct{})
	m := &monitor{Options: Options{
		Environment: Environment{CredentialsDirectory: filepath.Join(w.dir, "credentials")}, ConfigPath: filepath.Join(w.dir, "main.hcl"), StateDir: filepath.Join(w.dir, name), Control: filepath.Join(w.dir, name+".sock"),
		Node: name, Log: zap.NewNop(), Listen: new(string), Ready: func() { close(ready) },
	}}
	if w.network != nil {
		m.Connect = func(node string) (bus.Bus, error) { return w.network.Connect(w.t, node), nil }
	}
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
	if w.sink == nil {
		return nil
	}
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

// localNetwork is a bus of this process.
type localNetwork struct{ *local.Network }

func (n localNetwork) Connect(_ testing.TB, node string) bus.Bus { return n.Network.Connect(node) }

// A server dies, whoever decides is killed, and the server recovers: people are told once of each,
// whichever node they ask.
func TestThreeNodesAreOneMonitor(t *testing.T) {
	testThreeNodes(t, localNetwork{local.New()})
}

// So it is over a server of NATS, with TLS, keys and permissions.
func TestThreeNodesAreOneMonitorOverNATS(t *testing.T) {
	servers := bustest.Start(t, bustest.Setup{Servers: 1, Deciding: []string{"fra1", "lon1", "nyc1"}})
	testThreeNodes(t, servers.Network(t))
}

// startTeam starts some nodes that watch a server which is well.
func startTeam(t *testing.T, network bustest.Network, lon1 string, names ...string) (*team, *imaptest.Memory) {
	t.Helper()
	authority := ca.New()
	server, err := imaptest.StartMemory(imaptest.MemoryOptions{Certificate: authority.Issue(ca.Leaf{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w := newTeam(t, network, server.Addr().Port(), authority, lon1)
	for _, name := range names {
		w.start(name)
	}
	return w, server
}

func testThreeNodes(t *testing.T, network bustest.Network) {
	w, server := startTeam(t, network, "", "fra1", "lon1", "nyc1")
	first := w.decider()
	followers := w.others(first)
	w.askEverywhere(first, followers)
	w.shareKey()
	w.until("the service is well in the eyes of all", func() bool { return w.stateAt(followers[0]) == "ok" })

	if got := w.recheck(followers[1]); got != "ok" {
		t.Errorf("rechecked, it is %s", got)
	}
	w.seenFrom(first, "ok")
	w.seenFrom(followers[0], "ok")

	server.Refuse()
	if got := w.recheck(followers[1]); got != "down" {
		t.Errorf("rechecked when it has died, it is %s", got)
	}
	w.until("people are told that it is down", func() bool { return slices.Equal(w.told(), []string{"mx1/imap incident.opened"}) })
	w.acknowledge(followers[0])
	w.seenFrom(followers[0], "down")

	w.ownTrouble(followers[0])
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

// seenFrom looks whether a node shows what each of three sees of the check, and when it probed.
func (w *team) seenFrom(asked string, state incident.Health) {
	w.t.Helper()
	status, err := w.client(asked).Status(w.t.Context())
	if err != nil || len(status.Checks) != 1 {
		w.t.Fatalf("%d checks, %v", len(status.Checks), err)
	}
	c := status.Checks[0]
	var nodes []string
	for _, l := range c.Locations {
		nodes = append(nodes, l.Node)
		if l.State != state || l.At == nil || (l.TookMS != nil) != (state == incident.OK) {
			w.t.Errorf("%s shows of %s: %+v", asked, l.Node, l)
		}
	}
	if slices.Sort(nodes); !slices.Equal(nodes, []string{"fra1", "lon1", "nyc1"}) {
		w.t.Errorf("%s shows what is seen from %q", asked, nodes)
	}
	if from := strings.HasPrefix(c.From, "3 of 3 nodes: "); from != (state == incident.Down) {
		w.t.Errorf("%s says that it is seen from %q", asked, c.From)
	}
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

// ownTrouble looks whether what is wrong with one machine is listed there, and can be acknowledged there.
func (w *team) ownTrouble(name string) {
	w.t.Helper()
	f := &incident.Finding{Cause: config.CauseLocalFault, Hint: "The disk is full."}
	if err := w.nodes[name].deciding.own.Report(w.t.Context(), journalTrouble, f); err != nil {
		w.t.Fatal(err)
	}
	c := w.client(name)
	list, err := c.Incidents(w.t.Context())
	if err != nil || len(list.Incidents) != 2 || list.Incidents[1].Hint != f.Hint {
		w.t.Fatalf("%+v, %v", list, err)
	}
	if a, err := c.Acknowledge(w.t.Context(), list.Incidents[1].ID, "on it", time.Time{}); err != nil {
		w.t.Errorf("%+v, %v", a, err)
	}
}

// stepDown has the node that decides make room, and waits until another one does.
func (w *team) stepDown(asked, decider string) {
	w.t.Helper()
	nodes, err := w.client(asked).StepDown(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if nodes.Node.Decider == decider {
		w.t.Errorf("%s answers that %s still decides, which has stepped down", asked, decider)
	}
	w.until("another node decides", func() bool { return w.nodes[asked].member.node.Role() == cluster.Deciding })
	if role := w.nodes[decider].member.node.Role(); role != cluster.Following {
		w.t.Errorf("%s is %s after it stepped down", decider, role)
	}
}

// shareKey waits until all nodes have the same key of links, so that a link works wherever it is followed.
func (w *team) shareKey() {
	w.t.Helper()
	w.until("all nodes have one key of links", func() bool {
		keys := map[string]bool{}
		for _, m := range w.nodes {
			keys[string(m.links.load().Key())] = true
		}
		return len(keys) == 1
	})
}

// When nobody is heard that decides, a node that only probes shows what it knew until then, says so,
// and changes nothing.
func TestANodeThatOnlyProbesSaysThatNobodyDecides(t *testing.T) {
	w, _ := startTeam(t, localNetwork{local.New()}, "decide = false", "fra1", "lon1")
	if got := w.decider(); got != "fra1" {
		t.Fatalf("%s decides", got)
	}
	if n := len(w.nodes["lon1"].channels.inUse); n != 0 {
		t.Errorf("lon1 has opened %d notifiers", n)
	}
	w.until("lon1 shows what fra1 knows", func() bool { return w.stateAt("lon1") == "ok" })
	w.kill("fra1")
	c := w.client("lon1")
	w.until("lon1 says that nobody decides", func() bool {
		status, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return status.Node.Decider == "" && slices.ContainsFunc(status.Notes, func(note string) bool {
			return strings.Contains(note, "No node that decides is reached, since ") && strings.Contains(note, "What is shown is what lon1 knew until then.")
		})
	})
	if _, err := c.Acknowledge(t.Context(), "none", "on it", time.Time{}); err == nil || !strings.Contains(err.Error(), "nothing was done: no node that decides is reached") {
		t.Errorf("acknowledging says %v", err)
	}
	if _, err := c.StepDown(t.Context()); err == nil || !strings.Contains(err.Error(), "no node that decides is reached") {
		t.Errorf("stepping down says %v", err)
	}
	if role := w.nodes["lon1"].member.node.Role(); role != cluster.Following {
		t.Errorf("lon1 is %s", role)
	}
}

// A node that is cut off decides for itself and says so, until it hears the others again.
func TestANodeThatIsCutOffIsAlone(t *testing.T) {
	network := localNetwork{local.New()}
	w, server := startTeam(t, network, "", "fra1", "nyc1")
	first := w.decider()
	other := w.others(first)[0]
	w.until("the service is well", func() bool { return w.stateAt(other) == "ok" })
	network.Cut(other)
	alone := w.nodes[other]
	w.until(other+" is alone", func() bool { return alone.member.node.Role() == cluster.Alone })
	status, err := w.client(other).Status(t.Context())
	if err != nil || status.Node.Role != api.Alone || !slices.ContainsFunc(status.Notes, func(note string) bool {
		return strings.HasPrefix(note, other+" is alone since ")
	}) {
		t.Errorf("%+v says %q, %v", status.Node, status.Notes, err)
	}
	if f := aloneFinding(alone.member.node.State(), ""); f == nil || !strings.Contains(f.Hint, other+" reaches no node that decides") || !strings.Contains(f.Hint, "The bus cannot be reached: this node is cut off.") {
		t.Errorf("people are told %+v", f)
	}
	for _, n := range alone.member.node.State().Nodes {
		if own := string(n.Name) == other; n.Live != own || own && !n.SameFiles {
			t.Errorf("%s, which is alone, knows of %s: %+v", other, n.Name, n)
		}
	}
	server.Refuse()
	if got := w.recheck(other); got != "down" {
		t.Errorf("rechecked alone, it is %s", got)
	}
	w.until("each tells of the outage", func() bool { return len(w.told()) == 2 })
	network.Heal(other)
	w.until("it follows again", func() bool { return alone.member.node.Role() == cluster.Following && w.stateAt(other) == "down" })
	w.until("it has closed what it told alone", func() bool { return slices.Contains(w.told(), "mx1/imap incident.closed") })
}

// Who has read the id of an incident in a message acknowledges it by that, also on a node that is alone, whose own
// incident has another one. When the node is back all know it.
func TestANodeThatIsAloneKnowsIncidentsByTheIDsOfBefore(t *testing.T) {
	network := localNetwork{local.New()}
	w, server := startTeam(t, network, "", "fra1", "nyc1")
	first := w.decider()
	other := w.others(first)[0]
	w.until("the service is well", func() bool { return w.stateAt(other) == "ok" })
	open := func(node string) *api.Incident {
		list, err := w.client(node).Incidents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(list.Incidents, func(i api.Incident) bool { return i.Check == "mx1/imap" && i.State != incident.StatusClosed })
		if at < 0 {
			return nil
		}
		return &list.Incidents[at]
	}
	server.Refuse()
	w.until(other+" knows that it is down", func() bool { return open(other) != nil })
	before := open(other).ID
	network.Cut(other)
	w.until(other+" has an incident of its own", func() bool { in := open(other); return in != nil && in.ID != before })
	if in := open(other); in.Also != before {
		t.Errorf("%s is also %q, and not %s", in.ID, in.Also, before)
	}
	answer, err := w.client(other).Acknowledge(t.Context(), before, "on it", time.Time{})
	if err != nil || answer.Incident == before {
		t.Errorf("acknowledged is %+v, %v", answer, err)
	}
	if _, err := w.client(other).Note(t.Context(), before, "it is the disk", false); err != nil {
		t.Error(err)
	}
	network.Heal(other)
	w.until("all know who works on it", func() bool {
		in := open(first)
		return in != nil && in.ID == before && in.State == incident.StatusAcknowledged &&
			slices.ContainsFunc(in.Events, func(e api.Event) bool { return e.Kind == incident.Noted && e.Text == "it is the disk" })
	})
}

// The servers of the bus have lost everything in the middle of an outage. The journal that is made anew, on
// a node that has followed, goes on where its copy ends: people hear once of the outage, and of its end.
func TestALostJournalIsMadeAnewFromACopy(t *testing.T) {
	network := localNetwork{local.New()}
	w, server := startTeam(t, network, "", "fra1", "nyc1")
	first := w.decider()
	other := w.others(first)[0]
	w.until("the service is well", func() bool { return w.stateAt(other) == "ok" })
	server.Refuse()
	w.until("people are told that it is down", func() bool { return slices.Equal(w.told(), []string{"mx1/imap incident.opened"}) })
	w.until(other+" knows it, too", func() bool { return w.stateAt(other) == "down" })
	network.LoseStream()
	// What the decider journaled last may have been lost before the other node had it.
	begun, err := w.client(other).BeginNodes(t.Context())
	if err != nil && strings.Contains(err.Error(), "goes further") {
		begun, err = w.client(first).BeginNodes(t.Context())
	}
	if err != nil || begun.Records == 0 {
		t.Fatalf("%+v, %v", begun, err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	w.until("people are told that it is well", func() bool { return slices.Contains(w.told(), "mx1/imap incident.closed") })
	if got := w.told(); !slices.Equal(got, []string{"mx1/imap incident.opened", "mx1/imap incident.closed"}) {
		t.Errorf("people were told %q", got)
	}
}

// A node that has nothing of a journal which the servers have lost does not make it anew while another one has a copy.
func TestALostJournalIsNotMadeAnewFromAShorterCopy(t *testing.T) {
	network := localNetwork{local.New()}
	w, _ := startTeam(t, network, "", "fra1", "nyc1")
	first := w.decider()
	w.until("the service is well", func() bool { return w.stateAt(first) == "ok" })
	network.LoseStream()
	w.start("lon1")
	w.until("lon1 hears of a copy", func() bool {
		return slices.ContainsFunc(w.nodes["lon1"].member.node.State().Nodes, func(n cluster.NodeState) bool { return n.Place > 0 })
	})
	if begun, err := w.client("lon1").BeginNodes(t.Context()); err == nil || !strings.Contains(err.Error(), "goes further") {
		t.Errorf("%+v, %v", begun, err)
	}
}

// A node with the key of another one says whose it is, and one whose key is in no block says that, too.
func TestAForeignKeyIsNamed(t *testing.T) {
	keys, public := map[string]opaque.Secret{}, map[string]string{}
	for _, name := range []string{"fra1", "nyc1", "stranger"} {
		seed, half, err := bus.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		keys[name], public[name] = seed, half
	}
	c := &config.Cluster{Nodes: map[config.NodeID]*config.Node{
		"fra1": {ID: "fra1", Key: public["fra1"]}, "nyc1": {ID: "nyc1", Key: public["nyc1"]},
	}}
	for name, want := range map[string]string{
		"": "", "fra1": "", "nyc1": "The key in use here is that of nyc1,", "stranger": `is not the one that node "fra1" has in the files.`,
	} {
		c.Key = keys[name]
		got := keySentence(c, "fra1")
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("with the key of %q is said: %q", name, got)
		}
		if name != "" && strings.Contains(got, keys[name].Reveal()) {
			t.Errorf("the seed of %s is said", name)
		}
	}
}

// The files say where the bus is and who the node is: it connects with TLS and its key, and decides.
func TestTheFilesSayWhereTheBusIs(t *testing.T) {
	servers := bustest.Start(t, bustest.Setup{Servers: 1, Deciding: []string{"fra1"}})
	o := servers.Options(t, "fra1")
	w := &team{t: t, dir: t.TempDir(), nodes: map[string]*monitor{}, stop: map[string]func(){}}
	text := fmt.Sprintf("cluster {\n  servers = [%q]\n  ca_file = \"bus-ca.pem\"\n  key = credential(\"bus-key\")\n}\nnode \"fra1\" {}\n", o.Servers[0])
	for name, content := range map[string]string{"main.hcl": text, "bus-ca.pem": string(o.CA), "credentials/bus-key": o.Key.Reveal() + "\n"} {
		file := filepath.Join(w.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Create(t.Context(), servers.Connect(t, "fra1").Stream(), 0, slices.Values([]journal.Record(nil))); err != nil {
		t.Fatal(err)
	}
	w.start("fra1")
	if got := w.decider(); got != "fra1" {
		t.Errorf("%s decides", got)
	}
	if s := w.nodes["fra1"].member.node.State().Bus; !s.Connected || !strings.Contains(o.Servers[0], s.Server) {
		t.Errorf("%+v", s)
	}
}
