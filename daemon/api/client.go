package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// ErrNoDaemon is returned when nobody answers on the socket.
var ErrNoDaemon = errors.New("no daemon answers")

// patience is the [Client.Patience] of a new client.
const patience = 10 * time.Second

// LongestSocketPath is how many bytes sockaddr_un(7) has for the path of a socket.
const LongestSocketPath = 107

// SocketPathTooLong says in words that a path is longer than LongestSocketPath; the
// system says only "invalid argument".
func SocketPathTooLong(path string) string {
	return fmt.Sprintf("the path of a socket has at most %d bytes, and this has %d", LongestSocketPath, len(path))
}

// A Client talks to the daemon behind a socket.
type Client struct {
	// Patience is how long a question that needs no work may take. A daemon that
	// hangs must not hang those who ask whether it does.
	Patience time.Duration
	// Trusts reports whether files may be sent to a daemon of a user; nil: to any.
	Trusts func(uid uint32) bool
	// Signature says who asks, for what is kept with an author.
	Signature Signature

	socket string
	http   *http.Client
}

// NewClient makes a client of a socket; it connects with each request.
func NewClient(socket string) *Client {
	c := &Client{Patience: patience, socket: socket}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err != nil {
			return nil, err
		}
		if err := c.checkPeer(ctx, conn); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
	// The daemon serves one request a connection; see daemon/control.
	c.http = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return c
}

// Status asks for what is known.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	err = c.askSoon(ctx, "/v1/status", &s)
	return s, err
}

// Check asks for all that is known of one check.
func (c *Client) Check(ctx context.Context, id config.CheckID) (v Check, err error) {
	err = c.askSoon(ctx, "/v1/checks/"+url.PathEscape(string(id)), &v)
	return v, err
}

// Incidents asks for the incidents that are kept.
func (c *Client) Incidents(ctx context.Context) (Incidents, error) {
	var list Incidents
	err := c.askSoon(ctx, "/v1/incidents", &list)
	return list, err
}

// Explain asks why the destinations of an incident are not told of it now.
func (c *Client) Explain(ctx context.Context, id incident.ID) ([]Held, error) {
	var list heldList
	err := c.askSoon(ctx, "/v1/incidents/"+url.PathEscape(string(id))+"/held", &list)
	return list.Held, err
}

// Foresee asks who would be notified if a check failed.
func (c *Client) Foresee(ctx context.Context, q Question) (f Forecast, err error) {
	err = c.askSoon(ctx, "/v1/who?"+questionQuery(q), &f)
	return f, err
}

// Reload has the files read and waits for the verdict.
func (c *Client) Reload(ctx context.Context, allowShrink bool) (v Verdict, err error) {
	path := "/v1/reload"
	if allowShrink {
		path += "?allow_shrink"
	}
	err = c.request(ctx, http.MethodPost, path, nil, &v)
	return v, err
}

// Plan asks what a reload would do if these were the daemon's files; nil: with its own.
func (c *Client) Plan(ctx context.Context, files *source.Parcel) (Plan, error) {
	var p wholePlan
	var err error
	if files == nil {
		err = c.request(ctx, http.MethodGet, "/v1/plan", nil, &p)
	} else {
		err = c.request(context.WithValue(ctx, askPeer{}, true), http.MethodPost, "/v1/plan", files, &p)
	}
	p.Plan.Orphaned, p.Plan.Kept, p.Plan.Elsewhere = p.Orphaned, p.Kept, p.Elsewhere
	return p.Plan, err
}

// Recheck has a check probed now, and waits for the result.
func (c *Client) Recheck(ctx context.Context, id config.CheckID) (r Report, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/recheck?check="+url.QueryEscape(string(id)), nil, &r)
	return r, err
}

// NotifyTest has a test message sent along each way of a role.
func (c *Client) NotifyTest(ctx context.Context, id config.RoleID) (t Trial, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/notify-test?role="+url.QueryEscape(string(id)), nil, &t)
	return t, err
}

// Acknowledge says that a person works on an open incident, until a time (zero: until it is
// closed).
func (c *Client) Acknowledge(ctx context.Context, id incident.ID, reason string, until time.Time) (a Acknowledged, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/ack", acknowledgement{c.Signature, id, reason, until}, &a)
	return a, err
}

// Unacknowledge takes back that a person works on an incident.
func (c *Client) Unacknowledge(ctx context.Context, id incident.ID) (a Acknowledged, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/unack", acknowledgement{Signature: c.Signature, Incident: id}, &a)
	return a, err
}

// Note adds a note to an incident.
func (c *Client) Note(ctx context.Context, id incident.ID, text string, public bool) (n Noted, err error) {
	err = c.request(ctx, http.MethodPost, "/v1/note", note{c.Signature, id, text, public}, &n)
	return n, err
}

// Silence has nothing sent about something until a time.
func (c *Client) Silence(ctx context.Context, scope Scope, reason string, until time.Time) (s ListedSilence, err error) {
	wanted := newSilence{Silence{Scope: scope, Reason: reason, Until: until, By: c.Signature.By}, c.Signature.User}
	err = c.request(ctx, http.MethodPost, "/v1/silences", wanted, &s)
	return s, err
}

// Silences lists those that have not ended; all: also those that ended within a day.
func (c *Client) Silences(ctx context.Context, all bool) (s Silences, err error) {
	path := "/v1/silences"
	if all {
		path += "?all"
	}
	err = c.request(ctx, http.MethodGet, path, nil, &s)
	return s, err
}

// EndSilence ends one before its time, and returns it as it was.
func (c *Client) EndSilence(ctx context.Context, id string) (s Silence, err error) {
	err = c.request(ctx, http.MethodDelete, "/v1/silences/"+url.PathEscape(id)+"?"+c.Signature.query(), nil, &s)
	return s, err
}

// Redeliver has a message that was given up tried once more.
func (c *Client) Redeliver(ctx context.Context, key string) error {
	return c.request(ctx, http.MethodPost, "/v1/deliveries/"+url.PathEscape(key), nil, nil)
}

// Dismiss marks a message that was given up as needing no more attention.
func (c *Client) Dismiss(ctx context.Context, key string) error {
	return c.request(ctx, http.MethodPost, "/v1/deliveries/"+url.PathEscape(key)+"/dismiss?"+c.Signature.query(), nil, nil)
}

// askSoon asks for what is known, which takes the daemon no time.
func (c *Client) askSoon(ctx context.Context, path string, out any) error {
	short, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	err := c.request(short, http.MethodGet, path, nil, out)
	for hungUpOn(err) {
		select {
		case <-time.After(retryPause + rand.N(retryPause)):
			err = c.request(short, http.MethodGet, path, nil, out)
		case <-short.Done():
			err = short.Err()
		}
	}
	// Patience has ended here, and not the time that the caller gave.
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w on %s within %s: it hangs, or this machine is overloaded", ErrNoDaemon, c.socket, c.Patience)
	}
	return err
}

// retryPause is the least pause before a question is asked again that the daemon hung up
// on; a random share, up to as much again, keeps many clients apart.
const retryPause = 50 * time.Millisecond

// hungUpOn reports whether the daemon hung up without a word, as it does with clients
// that let it wait while many others come: a busy machine may have held this one up. With
// EAGAIN more clients wait to be accepted than the kernel lets wait (unix(7)).
func hungUpOn(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// request sends in as JSON, unless it is nil, and reads the answer into out.
func (c *Client) request(ctx context.Context, method, path string, in, out any) error {
	body := &bytes.Buffer{}
	if in != nil {
		if err := json.NewEncoder(body).Encode(in); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	// The host is only a form: every connection goes to the socket.
	req, err := http.NewRequestWithContext(ctx, method, "http://daemon"+path, body)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explainNoAnswer(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return refusalOf(resp)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the daemon's answer: %w", err)
	}
	return nil
}

// explainNoAnswer returns an ErrNoDaemon that says what is at the path of the socket, an
// [access.ErrDenied], or the error with what was done.
func (c *Client) explainNoAnswer(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		if len(c.socket) > LongestSocketPath {
			return fmt.Errorf("%w on %s: %s", ErrNoDaemon, c.socket, SocketPathTooLong(c.socket))
		}
		if info, err := os.Stat(c.socket); err == nil && info.Mode()&os.ModeSocket == 0 {
			return fmt.Errorf("%w on %s: there is something that is not a socket; remove it, and a running daemon creates its socket again", ErrNoDaemon, c.socket)
		}
		// A daemon may well be there; the socket is for its group alone.
		if errors.Is(err, fs.ErrPermission) {
			return access.Denied(c.socket)
		}
		return fmt.Errorf("%w on %s: %w", ErrNoDaemon, c.socket, dial.Err)
	}
	return fmt.Errorf("asking the daemon: %w", err)
}

// refusalOf returns the daemon's refusal as an error in its words.
func refusalOf(resp *http.Response) error {
	// If it cannot be read, the status tells.
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	var f refusal
	if json.Unmarshal(text, &f) == nil && f.Error != "" {
		return errors.New(f.Error)
	}
	// There is no such route, or not with this method; what is not found behind a route is
	// refused in words.
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		return errors.New("the daemon that runs does not know this request, so it is of another version than this command; restart it")
	}
	return fmt.Errorf("the daemon answered %s", resp.Status)
}
