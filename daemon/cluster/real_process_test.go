//go:build !quick

package cluster_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
	osprocess "github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// A realProcess is a machine as who plays a round sees it.
type realProcess struct {
	number  int
	host    bustest.Host
	file    machineFile
	log     string
	reports *reportFile
	process *osprocess.Process // nil: it was killed

	late    time.Duration // what it said last of its lateness
	excused time.Duration // until then its lateness is of a fault; an uptime
}

// describe writes the file of a machine.
func (r *realRound) describe(number int) *realProcess {
	p := &realProcess{number: number, host: r.network.host(number), log: filepath.Join(r.dir, fmt.Sprint("log", number))}
	p.file = machineFile{
		Number: number, State: p.host.Dir, Scratch: filepath.Join(r.dir, fmt.Sprint("scratch", number)), World: r.world.file.Name(),
		Reports: filepath.Join(r.dir, fmt.Sprint("reports", number)), Probes: filepath.Join(r.dir, fmt.Sprint("probes", number)),
	}
	must(r.t, os.Mkdir(p.file.Scratch, 0o700))
	for i, c := range r.clusters {
		o := r.servers.OptionsIn(r.t, i, string(fiveNodes()[number].ID))
		c.Name, c.Servers, c.CA, c.Key = o.Cluster, o.Servers, o.CA, o.Key.Reveal()
		if urls := r.network.urls(number); urls != nil {
			c.Servers = urls
		}
		p.file.Clusters = append(p.file.Clusters, c)
	}
	text, err := json.Marshal(p.file)
	must(r.t, err)
	must(r.t, os.WriteFile(p.description(), text, 0o600))
	p.reports, err = openReports(p.file.Reports)
	must(r.t, err)
	r.t.Cleanup(func() { _ = p.reports.file.Close() })
	return p
}

func (p *realProcess) description() string { return filepath.Join(p.file.Scratch, "machine.json") }

// excuse has what the machine says of its lateness not count until a while after now.
func (p *realProcess) excuse() { p.excused = uptime() + 1500*time.Millisecond }

// start starts the process.
func (p *realProcess) start() (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p.excuse()
	p.process, err = osprocess.Launch(p.log, append(slices.Clone(p.host.Enter), self, "-machine", p.description())...)
	return err
}

// kill ends it with kill -9.
func (p *realProcess) kill() error {
	was := p.process
	p.process = nil
	return was.Kill()
}

// hasEnded reports whether it has ended although nobody killed it.
func (p *realProcess) hasEnded() bool {
	if p.process == nil {
		return false
	}
	select {
	case <-p.process.Exited():
		return true
	default:
		return false
	}
}

// begin has a fault of a machine begin, or of a server.
func (r *realRound) begin(f *realFault) error {
	f.begin = uptime()
	if f.server {
		switch f.kind {
		case killed:
			r.servers.Kill(r.t, f.victim)
		case stopped:
			r.servers.Stop(r.t, f.victim)
		case wiped:
			r.servers.Kill(r.t, f.victim)
			r.servers.Wipe(r.t, f.victim)
		case allWiped:
			r.loseDisks()
		}
		return r.network.fault(f)
	}
	switch p := r.machines[f.victim]; f.kind {
	case killed:
		return p.kill()
	case stopped:
		return p.process.Signal(syscall.SIGSTOP)
	case clockSet:
		return r.world.set(f.victim, clockAhead, f.ahead)
	}
	return r.network.fault(f)
}

// end has it end.
func (r *realRound) end(f *realFault) error {
	defer func() { f.end = uptime() }()
	if f.server {
		return r.endOfServer(f)
	}
	switch p := r.machines[f.victim]; f.kind {
	case killed:
		return p.start()
	case stopped:
		p.excuse()
		return p.process.Signal(syscall.SIGCONT)
	case clockSet:
		return r.world.set(f.victim, clockAhead, 0)
	}
	return r.network.mend(f)
}

func (r *realRound) endOfServer(f *realFault) error {
	err := r.network.mend(f)
	switch f.kind {
	case stopped:
		r.servers.Continue(r.t, f.victim)
	case diskFull: // it has given the stream up, and takes it up again when it begins again
		r.servers.Kill(r.t, f.victim)
		r.servers.Start(r.t, f.victim)
	case killed, wiped:
		r.servers.Start(r.t, f.victim)
	case allWiped:
		for i := range serversOfRound {
			r.servers.Start(r.t, i)
		}
	}
	return err
}
