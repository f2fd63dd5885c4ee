// Package bustest holds what every bus has to keep to, as tests that each implementation runs, and
// runs real servers of NATS for them, with a proxy in between that behaves like a bad network.
//
// The servers are processes built from the source that .tools/bus.mod names, with TLS, keys of
// nodes, and the permissions that package bus asks for. They end with the test.
package bustest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/ca"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// Cluster is the name of the first cluster that the servers are for.
const Cluster = "imapvigil"

// A Setup says which servers to run, and for whom.
type Setup struct {
	Servers int
	// Clusters is how many clusters share the servers; 0 is one.
	Clusters int
	// Deciding and Following are the names of nodes, in each cluster.
	Deciding, Following []string
	// Plain has the servers without TLS, keys and permissions.
	Plain bool
	// Earlier gives the nodes the permissions of an earlier imapvigil: those that do not decide read the journal
	// from the servers.
	Earlier bool
	// Ends is when the certificates of the servers end; zero: in some months.
	Ends time.Time
	// Users is written into the servers' configuration instead of keys and permissions.
	Users string
	// Verify has the servers want certificates of clients.
	Verify bool
	// Separable has the servers reach each other through proxies, so that Isolate works.
	Separable bool
	// Hosts says where each server runs; nil: on this machine, in a directory of the test.
	Hosts []Host
}

// A Host is a place for a server.
type Host struct {
	Address string   // an IP address; nobody else listens on it
	Enter   []string // the beginning of a command that runs the rest of it there
	Dir     string   // for what the server keeps; it exists
}

// Servers are the servers of one bus.
type Servers struct {
	setup     Setup
	authority *ca.Authority
	keys      map[member]nodeKey
	servers   []*server
	routes    map[[2]int]*proxy // from one server to another
	used      atomic.Int64      // clusters that Network has given out
}

// A member is a node of a cluster.
type member struct{ cluster, node string }

// clusterName returns the name of the cluster with a number.
func clusterName(i int) string {
	if i == 0 {
		return Cluster
	}
	return Cluster + strconv.Itoa(i)
}

// A server may be running or not.
type server struct {
	Host
	name                   string
	client, route, monitor int // ports
	websocket              int
	process                *process.Process
}

func (s *server) log() string { return filepath.Join(s.Dir, "log") }

// at returns the address of one of the server's ports.
func (s *server) at(port int) string { return net.JoinHostPort(s.Address, strconv.Itoa(port)) }

// Start starts servers and returns when all accept connections. With more than one, they may still be
// looking for each other.
func Start(t testing.TB, setup Setup) *Servers {
	t.Helper()
	s := &Servers{setup: setup, authority: ca.New(), keys: newKeys(t, setup)}
	dir := t.TempDir()
	for i := range setup.Servers {
		name := "server" + strconv.Itoa(i+1)
		one := &server{name: name, Host: Host{Address: "127.0.0.1", Dir: filepath.Join(dir, name)}}
		if setup.Hosts == nil {
			process.Must(t, os.Mkdir(one.Dir, 0o700))
		} else {
			one.Host = setup.Hosts[i]
		}
		for _, port := range []*int{&one.client, &one.route, &one.monitor, &one.websocket} {
			claimed, err := process.ClaimPort(t, []string{"127.0.0.1"})
			process.Must(t, err)
			*port = claimed
		}
		s.servers = append(s.servers, one)
	}
	t.Cleanup(func() {
		for _, one := range s.servers {
			if one.process != nil {
				process.Must(t, one.process.Kill())
			}
			if t.Failed() {
				t.Logf("%s:\n%s", one.name, process.ReadLog(one.log()))
			}
		}
	})
	if setup.Separable {
		s.separate(t)
	}
	for i := range s.servers {
		process.Must(t, s.writeConfig(i))
		s.Start(t, i)
	}
	return s
}

// Start starts a server that was killed, and waits until it accepts connections.
func (s *Servers) Start(t testing.TB, i int) {
	t.Helper()
	one := s.servers[i]
	p, err := process.Launch(one.log(), append(slices.Clone(one.Enter), Program(t), "-c", filepath.Join(one.Dir, "server.conf"))...)
	process.Must(t, err)
	one.process = p
	process.Await(t, p, one.name, 20*time.Millisecond, func(ctx context.Context) error {
		return s.get(ctx, i, "/healthz?js-enabled-only=true", nil)
	})
}

// Kill ends a server with SIGKILL.
func (s *Servers) Kill(t testing.TB, i int) {
	t.Helper()
	process.Must(t, s.servers[i].process.Kill())
	s.servers[i].process = nil
}

// End has a server end in good order, by SIGTERM, or by SIGUSR2, after which it first hands over to the
// others and then lets its clients go, one after the other.
func (s *Servers) End(t testing.TB, i int, signal syscall.Signal) {
	t.Helper()
	one := s.servers[i]
	process.Must(t, one.process.Signal(signal))
	<-one.process.Exited()
	one.process = nil
}

// Stop stops a server with SIGSTOP: it keeps its connections and says nothing.
func (s *Servers) Stop(t testing.TB, i int) {
	t.Helper()
	process.Must(t, s.servers[i].process.Signal(syscall.SIGSTOP))
}

// Continue lets a server go on that was stopped.
func (s *Servers) Continue(t testing.TB, i int) {
	t.Helper()
	process.Must(t, s.servers[i].process.Signal(syscall.SIGCONT))
}

// separate puts a proxy between each two servers, in each direction.
func (s *Servers) separate(t testing.TB) {
	t.Helper()
	s.routes = map[[2]int]*proxy{}
	for i := range s.servers {
		for j, other := range s.servers {
			if i != j {
				s.routes[[2]int{i, j}] = newProxy(t, other.at(other.route))
			}
		}
	}
}

// Isolate cuts a server off from the other servers, and not from the nodes, until Rejoin. It needs a
// Setup that is Separable.
func (s *Servers) Isolate(i int) { s.setRoutes(i, gate{toServers: true, fromServers: true}) }

// Rejoin lets a server find the others again.
func (s *Servers) Rejoin(i int) { s.setRoutes(i, gate{}) }

func (s *Servers) setRoutes(i int, g gate) {
	for way, p := range s.routes {
		if way[0] == i || way[1] == i {
			p.set(g)
		}
	}
}

// Wipe removes what a server stored. It has to be killed first.
func (s *Servers) Wipe(t testing.TB, i int) {
	t.Helper()
	process.Must(t, os.RemoveAll(filepath.Join(s.servers[i].Dir, "store")))
}

// URL returns the address of a server.
func (s *Servers) URL(i int) string { return s.url(s.servers[i].at(s.servers[i].client)) }

func (s *Servers) url(address string) string {
	if s.setup.Plain {
		return "nats://" + address
	}
	return "tls://" + address
}

// WebsocketURL returns the address of a server for those who reach it through a web proxy only.
func (s *Servers) WebsocketURL(i int) string {
	return "wss://" + s.servers[i].at(s.servers[i].websocket)
}

// Certificate makes a certificate from the servers' authority, and its key, in PEM.
func (s *Servers) Certificate(t testing.TB) (cert, key []byte) {
	t.Helper()
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	process.Must(t, ca.WriteFiles(s.authority.Issue(ca.Leaf{}), certFile, keyFile))
	cert, err := os.ReadFile(certFile)
	process.Must(t, err)
	key, err = os.ReadFile(keyFile)
	process.Must(t, err)
	return cert, key
}

// Options returns the options with which a node of the first cluster connects to all servers.
func (s *Servers) Options(t testing.TB, node string) bus.Options {
	return s.OptionsIn(t, 0, node)
}

// OptionsIn returns the options of a node of the cluster with a number, from 0.
func (s *Servers) OptionsIn(t testing.TB, cluster int, node string) bus.Options {
	return s.options(t, member{clusterName(cluster), node})
}

func (s *Servers) options(t testing.TB, m member) bus.Options {
	o := bus.Options{Cluster: m.cluster, Node: m.node, Log: logTo(t)}
	for i := range s.servers {
		o.Servers = append(o.Servers, s.URL(i))
	}
	if !s.setup.Plain {
		o.CA, o.Key = s.authority.PEM(), s.keys[m].seed
	}
	return o
}

// logTo logs as long as the test goes on.
func logTo(t testing.TB) func(string, error) {
	var mu sync.Mutex
	over := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
	})
	return func(message string, err error) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			t.Log("bus:", message, err)
		}
	}
}

// Connect connects a node to all servers until the test ends, and waits until it is connected.
func (s *Servers) Connect(t testing.TB, node string) bus.Bus {
	t.Helper()
	return connect(t, s.Options(t, node))
}

func connect(t testing.TB, o bus.Options) bus.Bus {
	t.Helper()
	b, err := bus.Connect(context.Background(), o)
	process.Must(t, err)
	t.Cleanup(b.Close)
	AwaitConnected(t, b)
	return b
}

// AwaitConnected waits until a bus is connected.
func AwaitConnected(t testing.TB, b bus.Bus) {
	t.Helper()
	process.Await(t, nil, "the connection", 10*time.Millisecond, func(context.Context) error {
		if s := b.Status(); !s.Connected {
			return errors.New(s.Detail)
		}
		return nil
	})
}

// Name returns what a server is called among the others.
func (s *Servers) Name(i int) string { return s.servers[i].name }

// Leader returns which server leads the stream, and waits until one does.
func (s *Servers) Leader(t testing.TB) (leader int) {
	t.Helper()
	process.Await(t, nil, "a leader", 50*time.Millisecond, func(ctx context.Context) error {
		for i := range s.servers {
			state, err := s.stream(ctx, i)
			if err != nil {
				continue
			}
			for j, other := range s.servers {
				if state.Cluster.Leader == other.name && other.process != nil {
					leader = j
					return nil
				}
			}
		}
		return errors.New("nobody leads")
	})
	return leader
}

// AwaitCopies waits until every server has the stream up to a sequence.
func (s *Servers) AwaitCopies(t testing.TB, last uint64) {
	t.Helper()
	process.Await(t, nil, "all copies", 50*time.Millisecond, func(ctx context.Context) error {
		for i, one := range s.servers {
			state, err := s.stream(ctx, i)
			if err != nil {
				return err
			}
			if state.State.Last != last {
				return fmt.Errorf("%s has the stream up to %d, not %d", one.name, state.State.Last, last)
			}
		}
		return nil
	})
}

// Healthy returns nil when a server has found the others and has all that they have.
func (s *Servers) Healthy(ctx context.Context, i int) error { return s.get(ctx, i, "/healthz", nil) }

// A streamState is the stream as one server sees it.
type streamState struct {
	Cluster struct {
		Leader string `json:"leader"`
	} `json:"cluster"`
	State struct {
		Last uint64 `json:"last_seq"`
	} `json:"state"`
}

// stream asks a server for the only stream.
func (s *Servers) stream(ctx context.Context, i int) (state streamState, err error) {
	var answer struct {
		Accounts []struct {
			Streams []streamState `json:"stream_detail"`
		} `json:"account_details"`
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := s.get(ctx, i, "/jsz?streams=true", &answer); err != nil {
		return state, err
	}
	for _, account := range answer.Accounts {
		for _, stream := range account.Streams {
			return stream, nil
		}
	}
	return state, fmt.Errorf("%s has no stream", s.servers[i].name)
}

// get asks a server's monitoring port.
func (s *Servers) get(ctx context.Context, i int, path string, answer any) error {
	url := "http://" + s.servers[i].at(s.servers[i].monitor) + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

// Program returns the path of the server's program.
func Program(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build builds the server, once in a test process, into Go's cache, where later processes find it.
var build = sync.OnceValues(func() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	var complaint bytes.Buffer
	build := exec.Command("go", "tool", "-modfile=.tools/bus.mod", "-n", "nats-server")
	// As packaging/build compiles it, so that one compilation serves both.
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath")
	for _, variable := range build.Environ() {
		if strings.HasPrefix(variable, "GOFLAGS=") {
			build.Env = append(build.Env, variable+" -trimpath")
		}
	}
	build.Dir, build.Stderr = root, &complaint
	path, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("building the server of the bus: %w\n%s", err, &complaint)
	}
	return strings.TrimSpace(string(path)), nil
})

// moduleRoot returns the directory of go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("the tests of the bus have to run inside the module")
		}
		dir = parent
	}
}
