package main

import (
	"errors"
	"io"
	"syscall"
	"time"
)

// pollEvery is how often it is tried again to write to an output that takes
// nothing and is not waited for by the kernel.
const pollEvery = 50 * time.Millisecond

// A lineOutput writes whole lines to what may be full, or gone.
type lineOutput struct {
	w    io.Writer
	torn bool // the last line was written in part
}

// put writes a text that ends with a line. It waits as long as it takes, and
// gives the error of an output that takes nothing any more. After a line of which
// only a part was written, as on a full disk, the next one begins a line of its
// own.
func (o *lineOutput) put(text string) error {
	rest := []byte(text)
	if o.torn {
		rest = append([]byte("\n"), rest...)
	}
	for len(rest) > 0 {
		n, err := o.w.Write(rest)
		if n > 0 {
			rest = rest[n:]
			o.torn = len(rest) > 0
		}
		switch {
		case err == nil, errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EAGAIN):
			// Another process has set O_NONBLOCK on the pipe or terminal that it
			// shares with this one, and Go's poller does not know of it.
			time.Sleep(pollEvery)
		default:
			return err
		}
	}
	return nil
}
