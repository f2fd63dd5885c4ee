//go:build !quick

package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest/smtpsink"
)

// A flakyWebhook takes the events of a webhook, sometimes after a while, and
// sometimes refuses them.
type flakyWebhook struct {
	t     testing.TB
	sink  *httpsink.Sink
	heard func() // called after each arrival

	mu       sync.Mutex
	arrivals []arrival
	keys     map[string]bool
	types    map[string][]string // of events with different keys, by incident
}

// An arrival is an event that a receiver has accepted.
type arrival struct {
	event
	life int // of the daemon that has sent it
}

func startFlakyWebhook(t testing.TB, heard func()) *flakyWebhook {
	t.Helper()
	m := &flakyWebhook{t: t, heard: heard, keys: map[string]bool{}, types: map[string][]string{}}
	m.sink = startSink(t, m.answer)
	return m
}

// answer accepts four of five requests. What it refuses it does not keep, and
// what it has kept it confirms: only a crash of the daemon makes it hear
// something twice.
func (m *flakyWebhook) answer(r httpsink.Request) httpsink.Response {
	var a arrival
	err := json.Unmarshal(r.Body, &a.event)
	life, errLife := strconv.Atoi(r.Header.Get("X-Life"))
	if a.life = life; err != nil || errLife != nil || a.Key != r.Header.Get("Webhook-Id") {
		m.t.Errorf("the webhook got %s with the headers %v", r.Body, r.Header)
	}
	switch mood := rand.IntN(10); {
	case mood == 0:
		return httpsink.Response{Status: http.StatusServiceUnavailable, Body: "try again"}
	case mood == 1:
		panic(http.ErrAbortHandler) // net/http hangs up
	case mood < 4:
		time.Sleep(rand.N(400 * time.Millisecond))
	}
	m.keep(a)
	m.heard()
	return httpsink.NoContent(r)
}

func (m *flakyWebhook) keep(a arrival) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arrivals = append(m.arrivals, a)
	if !m.keys[a.Key] {
		m.keys[a.Key] = true
		m.types[a.Incident.ID] = append(m.types[a.Incident.ID], a.Type)
	}
}

// of lists the types of the events about an incident, in order.
func (m *flakyWebhook) of(incident string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.types[incident]
}

func (m *flakyWebhook) all() []arrival {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.arrivals
}

// disturbMail has a mail server misbehave now and then, until ctx ends. It keeps
// nothing that it does not confirm.
func disturbMail(ctx context.Context, mail *smtpsink.Sink) {
	moods := []smtpsink.Behaviour{
		{At: smtpsink.Greeting, Do: smtpsink.Answer, Code: 421, Text: "4.3.2 later"},
		{At: smtpsink.Rcpt, Do: smtpsink.Answer, Code: 451, Text: "4.2.1 busy"},
		{At: smtpsink.Data, Do: smtpsink.Drop},
	}
	defer mail.Behave()
	for {
		mail.Behave()
		if rand.IntN(3) == 0 {
			mail.Behave(moods[rand.IntN(len(moods))])
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rand.N(time.Second)):
		}
	}
}
