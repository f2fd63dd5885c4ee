package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// sendWithin is how long whoever reads a stream may let an event wait.
	sendWithin = 5 * time.Second
	// pulseEvery is how often something is sent where nothing happens: proxies close what is
	// silent, and a client that is gone is noticed.
	pulseEvery = 15 * time.Second
)

// A stream is an answer of server-sent events. After an error, which is that of a client that is
// gone or does not read, nothing more is sent.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	failed  error
}

func newStream(w http.ResponseWriter) *stream {
	return &stream{w: w, control: http.NewResponseController(w)}
}

// begin sends the head of the answer.
func (s *stream) begin() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // else nginx keeps the events for itself until it has many
	return s.write(nil)
}

// send sends an event; id may be empty.
func (s *stream) send(event, id string, data []byte) error {
	return s.write(encodeEvent(event, id, data))
}

// comment sends what nobody reads.
func (s *stream) comment() error { return s.write([]byte(": \n\n")) }

// write sends some text at once. The error of a client that does not read comes after sendWithin.
func (s *stream) write(text []byte) error {
	if s.failed != nil {
		return s.failed
	}
	// What cannot have a deadline (a recorder of a test) has none.
	_ = s.control.SetWriteDeadline(time.Now().Add(sendWithin))
	if _, s.failed = s.w.Write(text); s.failed == nil {
		s.failed = s.control.Flush()
	}
	return s.failed
}

// encodeEvent returns an event as it is sent. The data is JSON, in which no line ends.
func encodeEvent(event, id string, data []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(data) + len(event) + len(id) + len("event: \nid: \ndata: \n\n"))
	b.WriteString("event: " + event + "\n")
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("data: ")
	b.Write(data)
	b.WriteString("\n\n")
	return b.Bytes()
}

// mustEncode returns one of our own values as JSON. None of them can fail.
func mustEncode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic("api: " + err.Error())
	}
	return text
}
