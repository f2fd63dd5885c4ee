package exec

import (
	"context"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"sync"
	"syscall"
	"time"
)

// grace is what a program has after SIGTERM.
var grace = 5 * time.Second

const (
	// lastWords is how long output is waited for after the program has ended, which its own
	// children may hold open for ever.
	lastWords = time.Second
	// maxOutput is how much of an output is kept, in bytes; the rest is read and forgotten.
	maxOutput = 64 << 10
)

// A result is what became of a run.
type result struct {
	state          *os.ProcessState // nil: it did not start, see err
	stdout, stderr *tail
	err            error // why it did not start
}

// run runs a program in a process group of its own, and returns when it has ended and nothing
// of it is waited for any more. When ctx ends, the group is ended.
func run(ctx context.Context, command, env []string, input []byte) (r result) {
	r.stdout, r.stderr = &tail{first: true}, &tail{}
	pipes, err := openPipes()
	if err != nil {
		r.err = err
		return r
	}
	cmd := &osexec.Cmd{
		Path: command[0], Args: command, Env: env, Dir: "/",
		Stdin: pipes[0].read, Stdout: pipes[1].write, Stderr: pipes[2].write,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	err = cmd.Start()
	_, _, _ = pipes[0].read.Close(), pipes[1].write.Close(), pipes[2].write.Close() // they are the program's now
	ours := []*os.File{pipes[0].write, pipes[1].read, pipes[2].read}
	defer func() {
		for _, file := range ours {
			_ = file.Close()
		}
	}()
	if err != nil {
		r.err = err
		return r
	}
	var streams sync.WaitGroup
	streams.Go(func() {
		_, _ = pipes[0].write.Write(input) // a program need not read it: EPIPE is no error
		_ = pipes[0].write.Close()
	})
	streams.Go(func() { _, _ = io.Copy(r.stdout, pipes[1].read) })
	streams.Go(func() { _, _ = io.Copy(r.stderr, pipes[2].read) })
	wait(ctx, cmd)
	for _, file := range ours {
		// A grandchild that holds an output open, or an input that nobody reads, ends here.
		_ = file.SetDeadline(time.Now().Add(lastWords))
	}
	streams.Wait()
	r.state = cmd.ProcessState
	return r
}

// wait returns when the program has ended. It is asked to end, and then made to, when ctx
// ends; with it ends what it has started, unless that has left its process group.
func wait(ctx context.Context, cmd *osexec.Cmd) {
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state says more
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	group := -cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(grace):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-ended
}

// A pipe is one of the three streams.
type pipe struct{ read, write *os.File }

func openPipes() (pipes [3]pipe, err error) {
	for i := range pipes {
		if pipes[i].read, pipes[i].write, err = os.Pipe(); err != nil {
			for _, open := range pipes[:i] {
				_, _ = open.read.Close(), open.write.Close()
			}
			return pipes, err
		}
	}
	return pipes, nil
}

// A tail keeps the beginning of what is written to it, or the end.
type tail struct {
	first bool // keep the beginning
	kept  []byte
	cut   bool // there was more
}

// Write implements [io.Writer]; it takes everything.
func (t *tail) Write(data []byte) (int, error) {
	n := len(data)
	if t.first {
		room := max(0, maxOutput-len(t.kept))
		t.kept, t.cut = append(t.kept, data[:min(room, n)]...), t.cut || n > room
		return n, nil
	}
	t.kept = append(t.kept, data...)
	if more := len(t.kept) - maxOutput; more > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[more:]...), true
	}
	return n, nil
}

// cannotRun reports whether a program that did not start never will.
func cannotRun(err error) bool {
	for _, never := range []error{syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.ENOTDIR, syscall.ELOOP, syscall.E2BIG, syscall.EINVAL} {
		if errors.Is(err, never) {
			return true
		}
	}
	return false
}
