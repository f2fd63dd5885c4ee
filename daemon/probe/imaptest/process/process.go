// Package process runs the processes of real servers for tests, and keeps ports for
// them.
//
// A caller may rely on this: a server ends with the test process, however that ends;
// a port that was claimed is given to no other server of this machine's test
// processes, also while the one that it was claimed for is stopped.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds the wait for a server that was asked to end. It is long, since a
// loaded machine is no reason to fail.
const patience = 30 * time.Second

// A Process is the first process of a server. Its children share its session, whatever
// process groups they make.
type Process struct {
	// PID is its process id.
	PID int

	exited chan struct{} // closed when it has been waited for
	err    error         // set before exited is closed
}

// Launch starts a program, with both outputs appended to a file, and waits for it in a
// goroutine of its own. That goroutine keeps its thread until then: the kernel sends
// Pdeathsig when the starting thread dies (PR_SET_PDEATHSIG(2const)), and so only when
// the whole test process does.
func Launch(logFile string, program ...string) (*Process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	p := &Process{exited: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.PID = cmd.Process.Pid
	return p, nil
}

// Exited returns a channel that is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Err returns how the process ended, once Exited is closed.
func (p *Process) Err() error { return p.err }

// Signal signals the process and all its children, those included that are started
// meanwhile.
func (p *Process) Signal(signal syscall.Signal) error {
	signalled := map[int]bool{}
	for {
		fresh := false
		for _, pid := range p.session() {
			if signalled[pid] {
				continue
			}
			fresh, signalled[pid] = true, true
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		if !fresh {
			return nil
		}
	}
}

// session returns the processes of the session (proc_pid_stat(5): the sixth field, after the name,
// which may hold spaces and parentheses).
func (p *Process) session() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		// A zombie has ended; only its parent can remove it.
		if len(fields) > 3 && fields[0] != "Z" && fields[3] == strconv.Itoa(p.PID) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// End asks the process to end, then kills what is left of the session: a child that
// outlives its parent would go on accepting connections.
func (p *Process) End() error {
	// A frozen process ends only when it goes on again, so SIGCONT follows.
	asked := errors.Join(syscall.Kill(p.PID, syscall.SIGTERM), p.Signal(syscall.SIGCONT))
	select {
	case <-p.exited:
	case <-time.After(patience):
	}
	if err := errors.Join(asked, p.Kill()); err != nil {
		return fmt.Errorf("stopping the server: %w", err)
	}
	return nil
}

// Kill ends all processes at once and waits for the first.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.exited
	return err
}
