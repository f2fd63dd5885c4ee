package daemon

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// mostPassed is the most bytes of the body of a request that is passed to another node: one message
// of the bus has to hold it.
const mostPassed = 384 << 10

// A passedRequest is a request that one node passes to the node that decides.
type passedRequest struct {
	Door   string // where it came in: see doors
	Method string
	URI    string // path and query
	Host   string
	Secure bool // it came by TLS
	Header http.Header
	// Author is who asked on the control socket, as the kernel knows them, and on which node. Over TCP
	// it is the visitor.
	Author  string
	Visitor *api.Visitor
}

// A passedAnswer is what it is answered.
type passedAnswer struct {
	Status int
	Header http.Header

	body []byte
}

// passedHeaders are those headers of a request that count for its answer. Cookies and passwords stay
// on the node on which somebody has logged in.
var passedHeaders = []string{"Accept", "Accept-Language", "Content-Type", "If-None-Match", "Referer", "User-Agent"}

var errNotPassed = errors.New("what another node has passed on cannot be read")

// framed returns a head as JSON with a body behind it, which may be large and is not encoded again.
func framed(head any, body []byte) []byte {
	text, err := json.Marshal(head)
	if err != nil {
		panic(err) // of fields that JSON always takes
	}
	frame := binary.AppendUvarint(make([]byte, 0, len(text)+len(body)+binary.MaxVarintLen64), uint64(len(text)))
	return append(append(frame, text...), body...)
}

// unframe reads what framed has written. Its head has a limit, so that reading it costs little.
func unframe(frame []byte, head any) (body []byte, err error) {
	size, n := binary.Uvarint(frame)
	if n <= 0 || size > uint64(len(frame)-n) || size > mostHead {
		return nil, errNotPassed
	}
	frame = frame[n:]
	if err := json.NewDecoder(bytes.NewReader(frame[:size])).Decode(head); err != nil {
		return nil, errors.Join(errNotPassed, err)
	}
	return frame[size:], nil
}

// parseAnswer reads an answer. Its status is one that [http.ResponseWriter] takes, and it says nothing of the
// connection, which is that of this node.
func parseAnswer(frame []byte) (a passedAnswer, err error) {
	if a.body, err = unframe(frame, &a); err != nil {
		return passedAnswer{}, err
	}
	if a.Status < http.StatusOK || a.Status > 599 {
		return passedAnswer{}, fmt.Errorf("%w: its status is %d", errNotPassed, a.Status)
	}
	maps.DeleteFunc(a.Header, func(name string, _ []string) bool {
		return slices.Contains(ofTheConnection, http.CanonicalHeaderKey(name))
	})
	return a, nil
}

// ofTheConnection are headers that are about a connection (RFC 9110, section 7.6.1), the length of what goes over
// it, and who is logged in, which this node knows.
var ofTheConnection = []string{
	"Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Upgrade", "Content-Length", "Set-Cookie",
}

// A keptAnswer keeps an answer, of at most so many bytes, to be passed back.
type keptAnswer struct {
	passedAnswer
	most int
}

var errTooLong = errors.New("the answer is too long to be passed on")

// Header implements [http.ResponseWriter].
func (k *keptAnswer) Header() http.Header { return k.passedAnswer.Header }

// WriteHeader implements [http.ResponseWriter].
func (k *keptAnswer) WriteHeader(status int) {
	if k.Status == 0 {
		k.Status = status
	}
}

// Write implements [http.ResponseWriter].
func (k *keptAnswer) Write(p []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	if len(k.body)+len(p) > k.most {
		k.Status = tooLongToPass
		return 0, errTooLong
	}
	k.body = append(k.body, p...)
	return len(p), nil
}
