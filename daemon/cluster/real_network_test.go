//go:build !quick

package cluster_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/bus/bustest"
)

// serversOfRound is how many servers the bus of TestRealFaults has.
const serversOfRound = 3

// A realNetwork is where the machines and the servers are. Its places have numbers: first those of the
// machines, then those of the servers.
type realNetwork interface {
	// host returns where what runs at a place does. Its directory is empty, and on a disk of its own if this
	// network can have one full.
	host(place int) bustest.Host
	// begin is told of the servers before the machines begin.
	begin(t *testing.T, s *bustest.Servers)
	// urls returns the addresses of the servers, as a machine reaches them; nil: their own.
	urls(machine int) []string
	// kinds lists which faults it can have of machines and of servers.
	kinds() (machines, servers []string)
	// fault has one of these begin, if it is of the network or of a disk, and mend has it end.
	fault(f *realFault) error
	mend(f *realFault) error
}

// place returns the place that a fault befalls.
func (f *realFault) place() int {
	if f.server {
		return len(fiveNodes()) + f.victim
	}
	return f.victim
}

// run runs a command.
func run(command ...string) error { return runWith("", command...) }

// runWith runs a command that reads a text.
func runWith(input string, command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return nil
}

// A place is a network namespace, which lives as long as this process, with a cable to the namespace of this
// process, and a small disk.
type place struct {
	number  int
	pid     int // of a process in it
	address string
	disk    string
	used    int // how many directories on the disk were given out
}

const sizeOfDisk = "200m"

// in returns a command that runs another one in the namespace.
func (p *place) in(command ...string) []string {
	return append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", p.pid)}, command...)
}

// cable is the name of the end of the cable that is here.
func (p *place) cable() string { return fmt.Sprint("cable", p.number) }

// connect makes the cable, and the disk.
func (p *place) connect() error {
	if err := os.Mkdir(p.disk, 0o700); err != nil {
		return err
	}
	for _, command := range [][]string{
		{"ip", "link", "add", p.cable(), "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(p.pid)},
		{"ip", "link", "set", p.cable(), "master", "hub", "up"},
		p.in("ip", "link", "set", "lo", "up"),
		p.in("ip", "address", "add", p.address+"/24", "dev", "eth0"),
		p.in("ip", "link", "set", "eth0", "up"),
		{"mount", "-t", "tmpfs", "-o", "size=" + sizeOfDisk, "disk", p.disk},
	} {
		if err := run(command...); err != nil {
			return err
		}
	}
	return nil
}

// filter has the firewall of the place do something with packets that come in, or go out ("input",
// "output"), until it is healed.
func (p *place) filter(hook, what string) error {
	return runWith(fmt.Sprintf("table inet fault {\n chain %s {\n type filter hook %s priority 0;\n %s\n }\n}\n", hook, hook, what), p.in("nft", "-f", "-")...)
}

func (p *place) unfilter() error { return run(p.in("nft", "delete", "table", "inet", "fault")...) }

func (p *place) filling() string { return filepath.Join(p.disk, "filling") }

// fill fills the disk.
func (p *place) fill() error {
	file, err := os.Create(p.filling())
	if err != nil {
		return err
	}
	block := make([]byte, 1<<20)
	for ; len(block) > 0; block = block[:len(block)/2] {
		for err == nil {
			_, err = file.Write(block)
		}
		err = nil
	}
	return file.Close()
}
