//go:build systemd

package packaging_test

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A network joins machines, and leads nowhere else. All of it lives in the namespaces of the
// machines, and goes with them.
type network struct {
	t         *testing.T
	machines  map[string]*machine // by host name
	addresses map[string]string
}

// connect joins machines: each has an address, its host name, and knows the names of all.
func connect(t *testing.T, machines map[string]*machine) *network {
	t.Helper()
	n := &network{t, machines, map[string]string{}}
	var hosts strings.Builder
	hosts.WriteString("127.0.0.1 localhost\n")
	names := slices.Sorted(maps.Keys(machines))
	for i, name := range names {
		n.addresses[name] = fmt.Sprintf("10.99.0.%d", i+1)
		short, _, _ := strings.Cut(name, ".")
		fmt.Fprintln(&hosts, n.addresses[name], name, short)
	}
	// The bridge between them lies beside the first, under a name of its own.
	middle := machines[names[0]]
	n.ip(middle, "link", "add", "bridge", "type", "bridge")
	n.ip(middle, "link", "set", "bridge", "up")
	for i, name := range names {
		m := machines[name]
		end := fmt.Sprint("to", i)
		n.ip(middle, "link", "add", end, "type", "veth", "peer", "name", "net0", "netns", m.leader)
		n.ip(middle, "link", "set", end, "master", "bridge", "up")
		n.ip(m, "address", "add", n.addresses[name]+"/24", "dev", "net0")
		n.ip(m, "link", "set", "net0", "up")
		short, _, _ := strings.Cut(name, ".")
		m.write("/etc/hosts", hosts.String())
		m.write("/etc/hostname", short+"\n")
		m.run("hostname", short)
	}
	return n
}

// ip runs this machine's ip(8) in the network of another.
func (n *network) ip(in *machine, args ...string) {
	n.t.Helper()
	enter := append([]string{"--target=" + in.leader, "--net", "ip"}, args...)
	if said, err := exec.CommandContext(n.t.Context(), "nsenter", enter...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s; on Debian, iproute2 has it", strings.Join(args, " "), err, said)
	}
}

// cut has what one machine sends to another vanish, until what it returns is called.
func (n *network) cut(from, to string) (heal func()) {
	n.t.Helper()
	// The link-layer address of nobody, see ip-neighbour(8).
	n.ip(n.machines[from], "neighbour", "replace", n.addresses[to], "lladdr", "02:00:00:00:00:99", "dev", "net0", "nud", "permanent")
	return func() {
		n.t.Helper()
		n.ip(n.machines[from], "neighbour", "del", n.addresses[to], "dev", "net0")
	}
}
