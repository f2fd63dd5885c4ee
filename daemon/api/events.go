package api

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// GET /api/v1/events tells of what changes, as server-sent events:
//
//   - "hello" comes first. To whoever was here before (Last-Event-ID, or ?since= with the id of an
//     event) it tells all that has changed since.
//   - "checks" comes at most once a second, with the entries of the status that have changed. That
//     a check was probed again is no change; with ?check= the stream is about one check, and tells of
//     each probe.
//   - "incident" is an incident to which something has happened, as the list of incidents has it.
//
// Where "reload" is true, too much has changed to be told: what is shown is to be asked for anew.

const (
	mostTold         = 500       // checks in one event
	mostToldOf       = 50        // incidents at a time
	longestStream    = time.Hour // then the client comes again, and is asked anew who it is
	mostClients      = 200
	mostOfOneAddress = 8
)

// A Happening is the data of the events "hello" and "checks".
type Happening struct {
	At time.Time `json:"at"`
	// Reload: too much has changed; whatever is shown is to be asked for anew.
	Reload bool    `json:"reload"`
	Checks []Check `json:"checks"`
	// Incidents are those of a hello; others are told one by one.
	Incidents []Incident `json:"incidents,omitempty"`
}

// events serves GET /api/v1/events.
func (v1 *versionOne) events(w http.ResponseWriter, r *http.Request) {
	about := config.CheckID(r.URL.Query().Get("check"))
	c := &client{visitor: VisitorOf(r.Context()), about: about, address: addressOf(r), events: make(chan told, mostUnsent)}
	if err := v1.hub.join(r.Context(), c); err != nil {
		WriteProblem(w, r, err)
		return
	}
	defer v1.hub.leave(c)
	// After it has joined, so that nothing is missed between this and the first event.
	s, err := viewOf(r.Context(), v1.daemon)
	if err == nil && about != "" && !s.seesID(about) {
		err = notFound("there is no check %q", about)
	}
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	stream := newStream(w)
	if stream.begin() == nil && stream.send("hello", eventID(s.Snapshot), mustEncode(v1.hello(s, about, lastSeen(r)))) == nil {
		c.relay(r, stream, s.Version)
	}
}

// relay sends what the hub tells until the client is gone, or the hub lets go of it.
func (c *client) relay(r *http.Request, stream *stream, known uint64) {
	pulse, end := time.NewTicker(pulseEvery), time.NewTimer(longestStream)
	defer pulse.Stop()
	defer end.Stop()
	for stream.failed == nil {
		select {
		case e, open := <-c.events:
			if !open {
				return
			}
			if e.version > known || e.timed {
				_ = stream.write(e.text) // its error is kept
			}
		case <-pulse.C:
			_ = stream.comment()
		case <-r.Context().Done():
			return
		case <-end.C:
			return
		}
	}
}

// hello returns what has changed since a client was here before; last is the id of the last event
// that it got, or "".
func (v1 *versionOne) hello(s view, about config.CheckID, last string) Happening {
	h := Happening{At: s.At, Checks: []Check{}}
	if last == "" {
		return h
	}
	version, same := versionIn(last, s.Snapshot)
	if !same {
		h.Reload = true // another process, or another configuration
		return h
	}
	changes := s.Changes(version)
	silences := activeSilences(s)
	for _, c := range changes.Checks {
		if s.visitor.Sees(c.Check) && (about == "" || about == c.ID) {
			v := newCheck(c, s.At, v1.daemon.NextProbe)
			addSilences(&v, c.Check, silences)
			h.Checks = append(h.Checks, v)
		}
	}
	for _, in := range changes.Incidents {
		if s.seesIncidentsOf(in.Incident.Check) && (about == "" || about == in.Incident.Check) {
			h.Incidents = append(h.Incidents, NewIncident(s.Snapshot, in))
		}
	}
	if len(h.Checks) > mostTold || len(h.Incidents) > mostToldOf {
		h.Checks, h.Incidents, h.Reload = []Check{}, nil, true
	}
	return h
}

// eventID returns the id of events that tell of a snapshot: after them, a client knows all of it.
func eventID(s *tracker.Snapshot) string {
	return tagOf(s) + "-" + s.Config.Digest[:min(len(s.Config.Digest), 12)] + "-" + strconv.FormatUint(s.Version, 10)
}

// tagOf returns what no other tracker, and none of another process, begins its ids with.
func tagOf(s *tracker.Snapshot) string { return process + strconv.FormatUint(s.Source, 36) }

// versionIn returns the version of a snapshot that an id stands for. It is not the same when the id
// is of another process, another tracker or another configuration than the snapshot.
func versionIn(id string, s *tracker.Snapshot) (version uint64, same bool) {
	about, number, _ := strings.Cut(strings.TrimPrefix(id, tagOf(s)+"-"), "-")
	version, err := strconv.ParseUint(number, 10, 64)
	same = err == nil && version <= s.Version && id == tagOf(s)+"-"+about+"-"+number && strings.HasPrefix(s.Config.Digest, about)
	return version, same
}

// lastSeen returns the id of the last event that a client got: a browser that reconnects says so by
// itself.
func lastSeen(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("since")
}

// addressOf returns from where a client comes; those whom a proxy brings are told apart by name.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return host + " " + VisitorOf(r.Context()).Name
}
