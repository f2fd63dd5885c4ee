package main

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// lookForKey is how long, in milliseconds, a key is waited for at a time.
const lookForKey = 100

// quitKey returns a channel that is closed when somebody types q, and what gives the terminal back
// as it was. Where nobody can type, which is so in a pipe and in the background, the channel is
// nil.
func (p *program) quitKey(ctx context.Context) (quit <-chan struct{}, restore func()) {
	none := func() {}
	f, ok := p.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, none
	}
	fd := int(f.Fd())
	// Whoever changes a terminal from the background is stopped (SIGTTOU, termios(3)).
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return nil, none
	}
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, none
	}
	keys := *before
	keys.Lflag &^= unix.ICANON | unix.ECHO // each key at once, and ^C stays what it is
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &keys); err != nil {
		return nil, none
	}
	ctx, cancel := context.WithCancel(ctx)
	typed := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		if readUntilQuit(ctx, fd) {
			close(typed)
		}
	})
	return typed, func() {
		cancel()
		reading.Wait()
		_ = unix.IoctlSetTermios(fd, unix.TCSETS, before) // the terminal has gone when this fails
	}
}

// readUntilQuit reads keys, and reports whether q was among them before ctx ended.
func readUntilQuit(ctx context.Context, fd int) bool {
	key := make([]byte, 1)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, lookForKey)
		if n <= 0 {
			if err != nil && err != unix.EINTR {
				return false
			}
			continue
		}
		if n, err := unix.Read(fd, key); err != nil || n == 0 {
			return false // the terminal has gone
		}
		if key[0] == 'q' || key[0] == 'Q' {
			return true
		}
	}
	return false
}
