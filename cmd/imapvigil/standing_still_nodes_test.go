//go:build !quick

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

const threeNodes = `
cluster {
  servers     = [%q]
  alone_after = "1m"
}
node "fra1" {}
node "lon1" {}
node "nyc1" {}
daemon {
  notification_roles = []
}
notifier "webhook" "hook" {
  url = env("HOOK")
}
notification_role "tickets" {
  notify {
    via = notifier.webhook.hook
  }
}
defaults {
  interval           = "1s"
  fault_tolerance    = "0s"
  recovery_tolerance = "0s"
  notification_roles = [notification_role.tickets]
}
`

// A nodeProcess is one of three nodes, as a process of its own, and the webhook to which it alone sends.
type nodeProcess struct {
	*daemonProcess
	name string
	hook *httpsink.Sink
}

func startNode(t *testing.T, name, files string) *nodeProcess {
	t.Helper()
	n := &nodeProcess{name: name, hook: startSink(t, httpsink.NoContent)}
	n.daemonProcess = newDaemonProcess(t, map[string]string{"HOOK": n.hook.URL()})
	n.args = []string{"--node", name}
	n.write("nodes.hcl", files)
	n.start()
	return n
}

// role returns what the node says that it is, and who decides.
func (n *nodeProcess) role() (role api.NodeRole, decider string) {
	s := n.status()
	return s.Node.Role, s.Node.Decider
}

// sent lists what the node has told its webhook.
func (n *nodeProcess) sent() (list []string) {
	for _, r := range n.hook.Requests() {
		var e event
		if err := json.Unmarshal(r.Body, &e); err != nil {
			n.t.Fatal(err)
		}
		list = append(list, e.Type)
	}
	return list
}

// awaitDecider waits until one of some nodes decides and the others follow it.
func awaitDecider(nodes ...*nodeProcess) (decider *nodeProcess, others []*nodeProcess) {
	nodes[0].t.Helper()
	nodes[0].await("one node to decide", patience, func() bool {
		_, name := nodes[0].role()
		decider, others = nil, nil
		for _, n := range nodes {
			switch role, heard := n.role(); {
			case heard != name || name == "":
				return false
			case role == api.Deciding:
				decider = n
			default:
				others = append(others, n)
			}
		}
		return decider != nil
	})
	return decider, others
}

// The node that decides stands still (SIGSTOP), as a machine does that is migrated or suspended. Another node
// decides and tells what happens meanwhile. When it goes on it finds that out, sends nothing, and follows.
func TestADeciderThatStoodStill(t *testing.T) {
	t.Parallel()
	bus := bustest.Start(t, bustest.Setup{Servers: 1, Plain: true})
	server := startFailingServers(t, 1)[0]
	files := fmt.Sprintf(threeNodes, bus.URL(0)) + failingServerConfig([]*failingServer{server}, func(int) string { return "" })
	var nodes []*nodeProcess
	for _, name := range []string{"fra1", "lon1", "nyc1"} {
		nodes = append(nodes, startNode(t, name, files))
	}
	if out, code := nodes[0].command("nodes", "begin"); code != 0 {
		t.Fatalf("nodes begin: %s", out)
	}
	first, others := awaitDecider(nodes...)
	first.awaitAll("ok")
	server.fail(false)
	first.await("the opening", patience, func() bool { return slices.Equal(first.sent(), []string{typeOpened}) })
	// What the journal does not have as sent, the next one sends again.
	first.await("the opening to be kept as sent", patience, func() bool {
		status, _ := first.command("status")
		return strings.Contains(status, "Messages last delivered: tickets")
	})

	first.signal(syscall.SIGSTOP)
	second, _ := awaitDecider(others...)
	if err := server.recover(); err != nil {
		t.Fatal(err)
	}
	second.await("the closing", patience, func() bool { return slices.Equal(second.sent(), []string{typeClosed}) })
	first.signal(syscall.SIGCONT)

	first.await("it to follow", patience, func() bool {
		role, decider := first.role()
		return role == api.Following && decider == second.name
	})
	server.fail(false)
	second.await("the next opening", patience, func() bool { return len(second.sent()) == 2 })
	if got := first.sent(); !slices.Equal(got, []string{typeOpened}) {
		t.Errorf("it has sent %q", got)
	}
	if got := second.sent(); !slices.Equal(got, []string{typeClosed, typeOpened}) {
		t.Errorf("the one that took over has sent %q", got)
	}
	lines := first.logged("this node decides no longer")
	if len(lines) != 1 {
		t.Fatalf("it says %d times that it decides no longer", len(lines))
	}
	t.Logf("it decides no longer: %v", lines[0]["why"])
	if log := first.log(); strings.Contains(log, "panic") {
		t.Error(log)
	}
}
