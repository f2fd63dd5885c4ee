package daemon

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/imapvigil/imapvigil/config/watch"
)

// 15: the limits of inotify(7). The kernel refuses what it would refuse when they
// are reached, to the one thread that asks for it: the daemon polls, says so once,
// and status says why.
func TestInotifyLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		call  uint32
		errno syscall.Errno
		why   string
	}{
		{"instances", unix.SYS_INOTIFY_INIT1, unix.EMFILE, "fs.inotify.max_user_instances"},
		{"watches", unix.SYS_INOTIFY_ADD_WATCH, unix.ENOSPC, "fs.inotify.max_user_watches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			refused := make(chan error, 1)
			s.alone, s.watch = true, watch.Options{Poll: 50 * time.Millisecond} // the clock is the real one: a bubble's stands still for the kernel's events
			s.guard = func() { refused <- refuse(c.call, c.errno) }
			h := &hand{t: t, root: s.dir}
			h.do("write conf/a.hcl a=1")
			s.start()
			if err := <-refused; err != nil {
				t.Fatal(err)
			}
			s.calm()
			for _, want := range []string{"a=2", "a=3"} {
				before := len(s.ledger.so())
				h.do("put conf/a.hcl " + want)
				s.ledger.await(t, before+1)
				if got := s.ledger.so()[before:]; len(got) != 1 || got[0].what != want || got[0].why != watch.Poll.String() {
					t.Errorf("%s came to %+v", want, got)
				}
			}
			if self := s.m.Self(); !strings.Contains(self.Config.Polling, c.why) {
				t.Errorf("status says %q", self.Config.Polling)
			}
			if said := s.ledger.spoken("noticed late"); len(said) != 1 {
				t.Errorf("said: %q", said)
			}
		})
	}
}

// refuse has the kernel answer a system call with an error, to this goroutine
// only: its thread ends with it (seccomp(2)).
func refuse(call uint32, errno syscall.Errno) error {
	runtime.LockOSThread()
	const number = 0 // of the call, in struct seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: call},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := errors.Join(
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0),
	)
	runtime.KeepAlive(filter)
	return err
}
