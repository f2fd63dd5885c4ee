//go:build !quick

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	osprocess "github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// namespaces are a place for each machine and each server, and a switch between them in the namespace of
// this process. All of it ends with this process, which has namespaces of its own.
type namespaces struct {
	places []*place
	slow   *slowLines // nil: this kernel has none
}

func newNamespaces(t testing.TB) *namespaces {
	t.Helper()
	must(t, run("ip", "link", "set", "lo", "up"))
	must(t, run("ip", "link", "add", "hub", "type", "bridge"))
	must(t, run("ip", "address", "add", addressOf(-1)+"/24", "dev", "hub"))
	must(t, run("ip", "link", "set", "hub", "up"))
	n, dir := &namespaces{}, t.TempDir()
	for i := range len(fiveNodes()) + serversOfRound {
		holder, err := osprocess.Launch(os.DevNull, "unshare", "--net", "sleep", "infinity")
		must(t, err)
		p := &place{number: i, pid: holder.PID, address: addressOf(i), disk: filepath.Join(dir, fmt.Sprint("disk", i))}
		osprocess.Await(t, holder, "a namespace", 5*time.Millisecond, func(context.Context) error { return isApart(holder.PID) })
		must(t, p.connect())
		t.Cleanup(func() {
			must(t, holder.Kill())
			must(t, run("umount", "--lazy", p.disk))
		})
		n.places = append(n.places, p)
	}
	var err error
	if n.slow, err = newSlowLines(t, n.places); err != nil {
		t.Logf("no line is slow, since this kernel makes no network devices for programs: %v", err)
	}
	return n
}

// addressOf returns the address of a place; -1: of the switch.
func addressOf(place int) string { return fmt.Sprint("10.77.0.", 2+place) }

// isApart returns nil when a process is in a network namespace of its own.
func isApart(pid int) error {
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return err
	}
	if its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid)); err != nil || its == own {
		return errors.Join(errors.New("it is in the same namespace"), err)
	}
	return nil
}

// host implements realNetwork.
func (n *namespaces) host(i int) bustest.Host {
	p := n.places[i]
	p.used++
	dir := filepath.Join(p.disk, fmt.Sprint(p.used))
	_ = os.RemoveAll(filepath.Join(p.disk, fmt.Sprint(p.used-1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		panic(err)
	}
	return bustest.Host{Address: p.address, Enter: p.in(), Dir: dir}
}

// begin implements realNetwork.
func (n *namespaces) begin(*testing.T, *bustest.Servers) {}

// urls implements realNetwork.
func (n *namespaces) urls(int) []string { return nil }

// kinds implements realNetwork.
func (n *namespaces) kinds() (machines, servers []string) {
	machines = []string{killed, killed, killed, stopped, stopped, unplugged, unplugged, deaf, mute, reset, clockSet, diskFull}
	servers = []string{killed, killed, stopped, unplugged, diskFull, wiped}
	if n.slow != nil {
		machines, servers = append(machines, slow), append(servers, slow)
	}
	return machines, servers
}

// fault implements realNetwork.
func (n *namespaces) fault(f *realFault) error {
	p := n.places[f.place()]
	switch f.kind {
	case unplugged:
		return run("ip", "link", "set", p.cable(), "down")
	case deaf:
		return p.filter("input", `iifname "eth0" drop`)
	case mute:
		return p.filter("output", `oifname "eth0" drop`)
	case reset:
		return p.filter("output", `oifname "eth0" meta l4proto tcp reject with tcp reset`)
	case slow:
		return n.slow.use(p, slowness{80 * time.Millisecond, 20 * time.Millisecond, 0.01}, n.places)
	case diskFull:
		return p.fill()
	}
	return nil
}

// mend implements realNetwork.
func (n *namespaces) mend(f *realFault) error {
	p := n.places[f.place()]
	switch f.kind {
	case unplugged:
		return run("ip", "link", "set", p.cable(), "up")
	case deaf, mute, reset:
		return p.unfilter()
	case slow:
		return n.slow.leave(p, n.places)
	case diskFull:
		return os.Remove(p.filling())
	}
	return nil
}
