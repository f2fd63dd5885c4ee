//go:build !quick

package cluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// proxies are a proxy between each machine and each server, for who may not make namespaces. Nothing comes
// between the servers, packets do not get lost, and no disk is full.
type proxies struct {
	dir   string
	used  int
	paths []*bustest.Path // of the machines
}

// host implements realNetwork.
func (n *proxies) host(int) bustest.Host {
	n.used++
	dir := filepath.Join(n.dir, fmt.Sprint("disk", n.used))
	if err := os.Mkdir(dir, 0o700); err != nil {
		panic(err)
	}
	return bustest.Host{Address: "127.0.0.1", Dir: dir}
}

// begin implements realNetwork.
func (n *proxies) begin(t *testing.T, s *bustest.Servers) {
	n.paths = nil
	for range fiveNodes() {
		n.paths = append(n.paths, s.NewPath(t))
	}
}

// urls implements realNetwork.
func (n *proxies) urls(machine int) []string { return n.paths[machine].URLs() }

// kinds implements realNetwork.
func (n *proxies) kinds() (machines, servers []string) {
	return []string{killed, killed, killed, stopped, stopped, unplugged, unplugged, deaf, mute, reset, clockSet, slow},
		[]string{killed, killed, stopped, wiped}
}

// fault implements realNetwork.
func (n *proxies) fault(f *realFault) error {
	if f.server {
		return nil
	}
	switch path := n.paths[f.victim]; f.kind {
	case unplugged:
		path.BlackHole(true, true)
	case deaf:
		path.BlackHole(false, true)
	case mute:
		path.BlackHole(true, false)
	case reset:
		path.Reset()
	case slow:
		path.Delay(80 * time.Millisecond)
	}
	return nil
}

// mend implements realNetwork.
func (n *proxies) mend(f *realFault) error {
	if !f.server {
		n.paths[f.victim].Heal()
		n.paths[f.victim].Delay(0)
	}
	return nil
}
