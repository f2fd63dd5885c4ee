//go:build !quick

package cluster_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

var asMachine = flag.String("machine", "", "be the machine of TestRealFaults that this file describes")

// A machineFile describes a machine of TestRealFaults to the process that is this machine.
type machineFile struct {
	Number   int    // among fiveNodes
	State    string // directory of what its daemon keeps
	Scratch  string // directory of what is of no interest later
	World    string // file
	Reports  string // file
	Probes   string // file
	Clusters []clusterFile
}

// A clusterFile describes one of the clusters that a machine is a node of. They have nothing to do with each
// other, except that all have the same machines and the same servers of the bus.
type clusterFile struct {
	NeverStepDown bool
	AloneAfter    time.Duration
	Name          string
	Servers       []string
	CA            []byte
	Key           string
}

func (c *clusterFile) options(node config.NodeID) bus.Options {
	return bus.Options{Cluster: c.Name, Node: string(node), Servers: c.Servers, CA: c.CA, Key: opaque.NewSecret(c.Key)}
}

// A realMachine is the process of a machine: a node of each of several clusters.
type realMachine struct {
	machineFile
	node    *config.Node
	world   *realWorld
	reports *reportFile
	probes  *os.File
}

// runMachine is the machine of a file until SIGTERM, and returns the exit status.
func runMachine(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m, err := openMachine(file)
	if err == nil {
		err = m.run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func openMachine(file string) (*realMachine, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var m realMachine
	if err := json.Unmarshal(text, &m.machineFile); err != nil {
		return nil, err
	}
	m.node = fiveNodes()[m.Number]
	if m.world, err = openWorld(m.World, len(m.Clusters)); err != nil {
		return nil, err
	}
	if m.reports, err = openReports(m.Reports); err != nil {
		return nil, err
	}
	m.probes, err = os.OpenFile(m.Probes, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	return &m, err
}

// run is a node of all clusters until ctx ends.
func (m *realMachine) run(ctx context.Context) error {
	cfg, err := scaledFiles(m.Scratch)
	if err != nil {
		return err
	}
	var list []*member
	for i := range m.Clusters {
		one, err := m.join(i, cfg)
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	go watchLateness(ctx, func(sum time.Duration) { _ = m.world.set(m.Number, lateness, sum) })
	failures := make(chan error, len(list))
	var tasks sync.WaitGroup
	for _, one := range list {
		tasks.Go(func() {
			if err := one.run(ctx); err != nil {
				failures <- err
			}
		})
	}
	tasks.Wait()
	close(failures)
	return <-failures
}

// scaledFiles returns a configuration of many checks, in which all goes ten times as fast and faster.
func scaledFiles(scratch string) (*config.Config, error) {
	cfg, err := readFiles(scratch, manyChecks(), fiveNodes()...)
	if err != nil {
		return nil, err
	}
	for _, c := range cfg.Checks {
		c.Probe.Interval, c.Probe.RetryInterval, c.Probe.Timeout = time.Second, time.Second/2, time.Second
		c.Policy.FaultTolerance, c.Policy.RecoveryTolerance = faultTolerance, time.Second
	}
	return cfg, nil
}

// faultTolerance is that of all checks of TestRealFaults.
const faultTolerance = 1500 * time.Millisecond

// state returns the directory of one cluster's node.
func (m *realMachine) state(cluster int) string {
	return filepath.Join(m.State, m.Clusters[cluster].Name)
}
