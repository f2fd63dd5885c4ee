package api

import (
	"net/http"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// Routes lists what can be asked of the daemon over TCP: the version of this interface that
// programs build on. The listener checks the right of each route, and says who asks
// ([WithVisitor]); what a visitor may not see is left out of every answer here.
func Routes(d Daemon) []Route {
	v1 := &versionOne{daemon: d, hub: hub{daemon: d, left: make(chan struct{}, 1)}, whole: shared(d, func(s *tracker.Snapshot) any { return NewStatus(s, d.Self(), d.NextProbe) })}
	return []Route{
		{"GET /api/v1/status", See, v1.answering(v1.status)},
		{"GET /api/v1/checks/{path...}", See, v1.ofCheck(map[string]answer{"": v1.check, "history": v1.checkHistory})},
		{"GET /api/v1/incidents", See, v1.answering(v1.incidents)},
		{"GET /api/v1/incidents/{incident}", See, v1.answering(v1.incident)},
		{"GET /api/v1/deliveries", See, v1.answering(v1.deliveries)},
		{"GET /api/v1/certificates", See, v1.answering(v1.certificates)},
		{"GET /api/v1/coming", See, v1.answering(v1.coming)},
		{"GET /api/v1/events", See, http.HandlerFunc(v1.events)},
		{"GET /api/v1/silences", See, v1.answering(v1.silences)},
		{"POST /api/v1/checks/{path...}", Operate, v1.actOnCheck()},
		{"POST /api/v1/incidents/{incident}/ack", Operate, acting(v1.withIncident(v1.acknowledge))},
		{"POST /api/v1/incidents/{incident}/unack", Operate, acting(v1.withIncident(v1.unacknowledge))},
		{"POST /api/v1/incidents/{incident}/note", Operate, acting(v1.withIncident(v1.note))},
		{"POST /api/v1/silences", Operate, acting(v1.silence)},
		{"DELETE /api/v1/silences/{id}", Operate, acting(v1.endSilence)},
		{"POST /api/v1/silences/{id}/end", Operate, acting(v1.endSilence)}, // a form cannot DELETE
		{"GET /api/v1/availability", See, v1.answering(v1.availability)},
		{"GET /api/v1/report", See, v1.answering(v1.report)},
		{"GET /api/v1/openapi.json", See, http.HandlerFunc(serveDescription)},
	}
}

// versionOne answers what is asked below /api/v1/.
type versionOne struct {
	daemon Daemon
	hub    hub
	whole  *sharedAnswer // the status of everything
}

// An answer is what a request is answered with, as JSON, or why it cannot be.
type answer func(*http.Request) (any, error)

// answering serves an answer that changes nothing: as JSON, and not again to whoever has it.
func (v1 *versionOne) answering(do answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag, err := v1.entityTag(r)
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "private, no-cache")
		if hasTag(r, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		value, err := do(r)
		writeJSON(w, r, value, err)
	})
}

// ofCheck serves what is asked of one check, by the last part of the path behind its id, which
// may hold a slash: "mx1/imaps/history" is "history" of mx1/imaps. A check with a name like
// that goes first.
func (v1 *versionOne) ofCheck(parts map[string]answer) http.Handler {
	return v1.answering(func(r *http.Request) (any, error) {
		part, err := v1.findCheck(r)
		if err != nil {
			return nil, err
		}
		do, known := parts[part]
		if !known {
			return nil, notFound("there is no check %q", r.PathValue("path"))
		}
		return do(r)
	})
}

// findCheck finds which check a path is about, and sets it as the path value "check"; part is
// the rest of the path.
func (v1 *versionOne) findCheck(r *http.Request) (part string, err error) {
	s, err := v1.daemon.Snapshot(r.Context())
	if err != nil {
		return "", err
	}
	path := r.PathValue("path")
	seen := view{s, VisitorOf(r.Context())}
	if seen.seesID(config.CheckID(path)) {
		r.SetPathValue("check", path)
		return "", nil
	}
	if i := strings.LastIndexByte(path, '/'); i > 0 && seen.seesID(config.CheckID(path[:i])) {
		r.SetPathValue("check", path[:i])
		return path[i+1:], nil
	}
	return "", notFound("there is no check %q", path)
}
