package web

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A pipeListener accepts connections that a test makes without sockets, so that the clock of a
// bubble goes on while both sides wait.
type pipeListener struct {
	made   chan net.Conn
	closed chan struct{}
	close  func() // closed, once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.made:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error { l.close(); return nil }

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9143} }

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.made <- there
	return here
}

// inBubble serves routes to connections without sockets, in a bubble.
func inBubble(t *testing.T, routes []api.Route, test func(*testing.T, *pipeListener, *door)) {
	synctest.Test(t, func(t *testing.T) {
		l := &pipeListener{made: make(chan net.Conn), closed: make(chan struct{})}
		l.close = sync.OnceFunc(func() { close(l.closed) })
		s := New(Options{Routes: routes})
		settings, err := s.settingsOf(&config.Config{})
		if err != nil {
			t.Fatal(err)
		}
		s.settings.Store(settings)
		s.gate.Use(settings.config)
		d := &door{Listener: l, places: s.places}
		d.server = s.newHTTPServer(t.Context(), d)
		var serving sync.WaitGroup
		serving.Go(func() { _ = d.server.Serve(d) })
		test(t, l, d)
		_ = d.server.Close()
		serving.Wait()
	})
}

// lifetime returns how long the server lets a connection live.
func lifetime(t *testing.T, c net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	_, err := io.Copy(io.Discard, c)
	if err != nil && !strings.Contains(err.Error(), "closed") {
		t.Error(err)
	}
	return time.Since(start)
}

// A client that sends its request slowly is not waited for: 10 s for the headers, 30 s for the
// rest, 2 minutes until it asks again.
func TestSlowClients(t *testing.T) {
	const post = "POST /anybody HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
	for name, test := range map[string]struct {
		sends string
		then  byte // each second
		most  time.Duration
	}{
		"says nothing":           {"", 0, headerTime},
		"a header without end":   {"GET /anybody HTTP/1.1\r\nHost: localhost\r\nX: ", 'x', headerTime},
		"a body without end":     {post, 'x', readTime},
		"half a body":            {post + "{", 0, readTime},
		"asks once":              {"GET /anybody HTTP/1.1\r\nHost: localhost\r\n\r\n", 0, idleTime},
		"asks once, and dawdles": {"GET /anybody HTTP/1.1\r\nHost: localhost\r\n\r\nG", 0, idleTime + headerTime},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, routes(), func(t *testing.T, l *pipeListener, _ *door) {
				c := l.dial()
				var sending sync.WaitGroup
				sending.Go(func() {
					_, err := io.WriteString(c, test.sends)
					for err == nil && test.then != 0 {
						time.Sleep(time.Second) // of the bubble
						_, err = c.Write([]byte{test.then})
					}
				})
				// net/http answers a request that does not come to its end for half a second more.
				if got := lifetime(t, c); got > test.most+time.Second {
					t.Errorf("it is waited for %s, at most %s", got, test.most)
				}
				_ = c.Close()
				sending.Wait()
			})
		})
	}
}

// A client that does not read its answer is cut off after a minute. A stream that sets its own
// deadlines goes on, also beyond those for reading a request.
func TestSlowReaders(t *testing.T) {
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(w)
		for i := range 600 {
			_ = connection.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if _, err := fmt.Fprintf(w, "data: %d\n\n", i); err != nil || connection.Flush() != nil || r.Context().Err() != nil {
				return
			}
			time.Sleep(time.Second) // of the bubble
		}
	})
	var ended time.Time
	flood := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 1<<16)
		for {
			if _, err := w.Write(part); err != nil {
				ended = time.Now()
				return
			}
		}
	})
	all := []api.Route{{Pattern: "GET /stream", Handler: stream}, {Pattern: "POST /stream", Handler: stream}, {Pattern: "GET /flood", Handler: flood}}
	inBubble(t, all, func(t *testing.T, l *pipeListener, _ *door) {
		for name, request := range map[string]string{
			"without a body": "GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
			"with a body":    "POST /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		} {
			c := l.dial()
			go func() { _, _ = io.WriteString(c, request) }()
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			if err != nil || !strings.Contains(string(text), "data: 599") {
				t.Errorf("%s: a stream of ten minutes ends after %d bytes: %v", name, len(text), err)
			}
			_ = response.Body.Close()
			_ = c.Close()
		}
		start, c := time.Now(), l.dial()
		_, _ = io.WriteString(c, "GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n")
		time.Sleep(10 * writeTime) // of the bubble
		synctest.Wait()
		if got := ended.Sub(start); got < 0 || got > writeTime+headerTime {
			t.Errorf("who does not read is written to for %s", got)
		}
		_ = c.Close()
	})
}

// However many clients hold connections open without asking, there are never more than the
// server has places, and whoever asks is answered.
func TestIdleClientsKeepNobodyOut(t *testing.T) {
	const most = 8
	s := newStage(t, Options{Most: most})
	port := s.start(&config.Config{})
	for name, text := range map[string]string{
		"silent":          "",
		"half a header":   "GET /anybody HTTP/1.1\r\nHost: lo",
		"after an answer": "GET /anybody HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		for range most * 5 {
			c, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			_, _ = io.WriteString(c, text) // it may have lost its place already
		}
		for range most * 2 {
			if a := s.ask("GET", "/anybody", ""); a.status != 200 {
				t.Errorf("%s: %+v", name, a)
			}
		}
		s.server.places.mu.Lock()
		if n := len(s.server.places.waiting); n > most {
			t.Errorf("%s: %d connections", name, n)
		}
		s.server.places.mu.Unlock()
	}
}

// While all places are taken by requests that are being answered, nobody else is let in; a place
// that becomes free is given again.
func TestBusyPlaces(t *testing.T) {
	begun, end := make(chan bool), make(chan bool)
	busy := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun <- true; <-end })
	const most = 3
	s := newStage(t, Options{Most: most, Routes: []api.Route{{Pattern: "GET /busy", Handler: busy}}})
	s.start(&config.Config{})
	var asking sync.WaitGroup
	for range most {
		asking.Go(func() { s.ask("GET", "/busy", "") })
		<-begun
	}
	if a, err := s.try("GET", s.base()+"/healthz", ""); err == nil {
		t.Errorf("one more is let in: %+v", a)
	}
	close(end)
	asking.Wait()
	for range most * 2 {
		// A client has its answer a moment before the server has noticed that the place is free.
		for start := time.Now(); s.server.places.allBusy() && time.Since(start) < time.Minute; {
			<-time.After(time.Millisecond)
		}
		if a := s.ask("GET", "/healthz", ""); a.status != 200 {
			t.Errorf("%+v", a)
		}
	}
}

// allBusy reports whether each place is that of a request which is being answered.
func (p *places) allBusy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	busy := 0
	for _, since := range p.waiting {
		if since.IsZero() {
			busy++
		}
	}
	return busy >= p.most
}

// A stop ends what is being answered, streams too.
func TestStopEndsStreams(t *testing.T) {
	begun := make(chan bool)
	stream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { begun <- true; <-r.Context().Done() })
	s := newStage(t, Options{Routes: []api.Route{{Pattern: "GET /stream", Handler: stream}}})
	s.start(&config.Config{})
	go func() { _, _ = s.try("GET", s.base()+"/stream", "") }()
	<-begun
	// The end of the stage waits for all that runs.
}

// At an address that is left, answers come to their end, and streams are cut off.
func TestLeftAddressEndsStreams(t *testing.T) {
	ended := time.Duration(0)
	stream := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		start := time.Now()
		<-r.Context().Done()
		ended = time.Since(start)
	})
	inBubble(t, []api.Route{{Pattern: "GET /stream", Handler: stream}}, func(t *testing.T, l *pipeListener, d *door) {
		c := l.dial()
		_, _ = io.WriteString(c, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
		synctest.Wait()
		d.drain()
		synctest.Wait()
		if ended < drainTime || ended > drainTime+time.Second {
			t.Errorf("the stream ends after %s", ended)
		}
		_ = c.Close()
	})
}
