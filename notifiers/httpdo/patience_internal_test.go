package httpdo

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/imapvigil/imapvigil/config/httpclient"
	"github.com/imapvigil/imapvigil/notifiers"
)

// A receiver that hangs is given up, so that what waits behind this message goes
// on; one that has said yes and then hangs has taken it.
func TestAReceiverThatHangs(t *testing.T) {
	for _, test := range []struct {
		name, says string // before it hangs
		after      time.Duration
		err        string
	}{
		{name: "at once", after: patience, err: "no answer within 30s"},
		{name: "in the middle of the headers", says: "HTTP/1.1 200 OK\r\nContent-Le", after: patience, err: "no answer within 30s"},
		{name: "in the body", says: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nqueued as 7", after: patience},
		{name: "not at all", says: "HTTP/1.1 204 No Content\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, err := New("")
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.http = httpclient.New(httpclient.Options{KeepAlive: true, Dial: func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go hang(theirs, test.says)
					return ours, nil
				}})
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://receiver.test/", strings.NewReader("hello"))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, err = c.Send(req)
				if took := time.Since(began); took != test.after {
					t.Errorf("it took %s, want %s", took, test.after)
				}
				if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err || notifiers.IsPermanent(err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
			})
		})
	}
}

// hang reads a request, says something, and then nothing until the other side
// hangs up.
func hang(conn net.Conn, says string) {
	defer conn.Close()
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	_, _ = io.WriteString(conn, says)
	_, _ = io.Copy(io.Discard, conn)
}
