package discord

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/httpdo"
)

// A pace knows from Discord's answers when it takes the next message. Whoever asks sooner gets a
// 429, and is banned after many.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// longestPace bounds what is believed: Discord counts in seconds, and nobody hears of a message that
// is kept back.
const longestPace = time.Minute

// note reads from an answer how many more messages Discord takes, and until when.
func (p *pace) note(header http.Header, now time.Time) {
	if header.Get("X-RateLimit-Remaining") != "0" {
		return
	}
	seconds, err := strconv.ParseFloat(header.Get("X-RateLimit-Reset-After"), 64)
	if err != nil {
		return
	}
	pause := min(httpdo.Seconds(seconds), longestPace)
	p.mu.Lock()
	defer p.mu.Unlock()
	// Answers may arrive in another order than they were given.
	if next := now.Add(pause); next.After(p.next) {
		p.next = next
	}
}

// wait returns how long Discord takes no message; 0: it takes one.
func (p *pace) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.next.Sub(now))
}
