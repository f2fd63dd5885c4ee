//go:build !quick

package cluster_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// slowLines are a second line from each place to the switch, on which packets need time and get lost. They
// do what netem does, which not every kernel has: each is a network device whose packets this process
// reads, and writes to another device later.
type slowLines struct {
	post  *os.File // a device of the switch
	lines []*slowLine
}

// A slowLine is that of one place.
type slowLine struct {
	device *os.File
	how    atomic.Pointer[slowness]
}

// A slowness is how slow a line is.
type slowness struct {
	delay, jitter time.Duration
	loss          float64
}

func newSlowLines(t testing.TB, places []*place) (*slowLines, error) {
	t.Helper()
	post, err := newDevice("post")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = post.Close() })
	must(t, run("ip", "link", "set", "post", "up"))
	for setting, value := range map[string]string{"ip_forward": "1", "conf/all/rp_filter": "0", "conf/post/rp_filter": "0"} {
		must(t, os.WriteFile("/proc/sys/net/ipv4/"+setting, []byte(value), 0o644))
	}
	s := &slowLines{post: post}
	for _, p := range places {
		device, err := newDevice(p.slowLine())
		must(t, err)
		must(t, run("ip", "link", "set", p.slowLine(), "netns", fmt.Sprint(p.pid)))
		must(t, run(p.in("ip", "link", "set", p.slowLine(), "up")...))
		line, ended := &slowLine{device: device}, make(chan struct{})
		s.lines = append(s.lines, line)
		go func() {
			defer close(ended)
			line.carry(post)
		}()
		t.Cleanup(func() {
			_ = device.Close()
			<-ended
		})
	}
	return s, nil
}

// newDevice makes a network device whose packets a file gives and takes (tuntap.rst in the kernel's
// documentation).
func newDevice(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// carry carries packets until the device is closed.
func (l *slowLine) carry(to *os.File) {
	buffer := make([]byte, 64<<10)
	for {
		size, err := l.device.Read(buffer)
		if err != nil {
			return
		}
		how := l.how.Load()
		if how == nil || rand.Float64() < how.loss {
			continue
		}
		packet := append([]byte(nil), buffer[:size]...)
		delay := how.delay + time.Duration((2*rand.Float64()-1)*float64(how.jitter))
		time.AfterFunc(delay, func() { _, _ = to.Write(packet) })
	}
}

func (p *place) slowLine() string { return fmt.Sprint("slow", p.number) }

// use has all that a place sends to others go over its slow line.
func (s *slowLines) use(p *place, how slowness, others []*place) error {
	s.lines[p.number].how.Store(&how)
	return s.route(p, "replace", others)
}

// leave has it go over the cable again.
func (s *slowLines) leave(p *place, others []*place) error { return s.route(p, "delete", others) }

func (s *slowLines) route(p *place, what string, others []*place) error {
	for _, to := range others {
		if to == p {
			continue
		}
		if err := run(p.in("ip", "route", what, to.address+"/32", "dev", p.slowLine(), "src", p.address)...); err != nil {
			return err
		}
	}
	return nil
}
