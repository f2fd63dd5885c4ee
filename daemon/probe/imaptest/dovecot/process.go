package dovecot

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a Dovecot master. Its children share its process group.
type process struct {
	pid    int
	exited chan struct{} // closed when the master has been waited for
	err    error         // set before exited is closed
}

// launch starts the master and waits for it in a goroutine of its own. That goroutine keeps
// its thread until then: the kernel sends Pdeathsig when the starting thread dies
// (PR_SET_PDEATHSIG(2const)), and so only when the whole test process does.
func launch(binary, config, logFile string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(binary, "-F", "-c", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p := &process{exited: make(chan struct{})}
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
	p.pid = cmd.Process.Pid
	return p, nil
}

// signalAll signals the master and all its children.
func (p *process) signalAll(signal syscall.Signal) error {
	err := syscall.Kill(-p.pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// end asks the master to end, then kills what is left of the group: a login process that
// outlives its master would go on accepting connections.
func (p *process) end() error {
	asked := errors.Join(syscall.Kill(p.pid, syscall.SIGTERM), p.signalAll(syscall.SIGCONT))
	select {
	case <-p.exited:
	case <-time.After(patience / 2):
	}
	if err := errors.Join(asked, p.kill()); err != nil {
		return fmt.Errorf("stopping dovecot: %w", err)
	}
	return nil
}

// kill ends all processes at once and waits for the master.
func (p *process) kill() error {
	err := p.signalAll(syscall.SIGKILL)
	<-p.exited
	return err
}
