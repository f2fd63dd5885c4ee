package api

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// An action does what a visitor asks for, and returns the answer, and the page on which its result is
// seen. Its author is the visitor, whatever the request says.
type action func(*http.Request, *asked) (value any, page string, err error)

// acting serves an action: programs get JSON, and the forms of pages lead back to a page.
func acting(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		in, form, err := readAsked(w, r)
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		value, page, err := do(r, &in)
		if err == nil && form {
			http.Redirect(w, r, backTo(r, page), http.StatusSeeOther) //nolint:gosec // backTo leads to a path of this site alone
			return
		}
		writeJSON(w, r, value, err)
	})
}

// authorOf returns the name that is kept with what a visitor does.
func authorOf(r *http.Request) string { return withSender(r.Context(), VisitorOf(r.Context()).Name) }

// actOnCheck serves POST /api/v1/checks/{check}/recheck and /test.
func (v1 *versionOne) actOnCheck() http.Handler {
	recheck, test := acting(v1.recheck), http.HandlerFunc(v1.test)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		part, err := v1.findCheck(r)
		switch {
		case err != nil:
			WriteProblem(w, r, err)
		case part == "recheck":
			allowTime(w, v1.timeoutOf(r))
			recheck.ServeHTTP(w, r)
		case part == "test":
			test.ServeHTTP(w, r)
		default:
			WriteProblem(w, r, notFound("there is no check %q", r.PathValue("path")))
		}
	})
}

// timeoutOf returns how long a probe of the check of a path may take.
func (v1 *versionOne) timeoutOf(r *http.Request) time.Duration {
	s, err := v1.daemon.Snapshot(r.Context())
	if err != nil {
		return 0
	}
	if c, known := s.Check(config.CheckID(r.PathValue("check"))); known {
		return c.Probe.Timeout
	}
	return 0
}

// recheck probes now, and the result counts.
func (v1 *versionOne) recheck(r *http.Request, _ *asked) (any, string, error) {
	id := config.CheckID(r.PathValue("check"))
	report, err := v1.daemon.Recheck(r.Context(), id)
	return Reports{[]Report{report}}, pageOf(id), err
}

// pageOf returns the page of a check.
func pageOf(id config.CheckID) string { return "/c/" + string(id) }

// withIncident looks an incident up that the visitor sees, and does something with it.
func (v1 *versionOne) withIncident(do func(*http.Request, *asked, view, incident.ID) (any, error)) action {
	return func(r *http.Request, in *asked) (any, string, error) {
		s, err := viewOf(r.Context(), v1.daemon)
		if err != nil {
			return nil, "", err
		}
		state, err := s.incidentOf(incident.ID(r.PathValue("incident")))
		if err != nil {
			return nil, "", err
		}
		value, err := do(r, in, s, state.Incident.ID)
		return value, "/i/" + string(state.Incident.ID), err
	}
}

// reasonUnsaid is kept as the reason of who acknowledges with one tap.
const reasonUnsaid = "no reason given"

// acknowledge notes that the visitor works on an incident.
func (v1 *versionOne) acknowledge(r *http.Request, in *asked, s view, id incident.ID) (any, error) {
	until, err := readUntil(in.Until, s)
	if err != nil {
		return nil, err
	}
	by := authorOf(r)
	before, err := v1.daemon.Acknowledge(r.Context(), id, tracker.Acknowledgement{By: by, Reason: cmp.Or(strings.TrimSpace(in.Reason), reasonUnsaid), Until: until})
	return newAcknowledged(before, by), err
}

// unacknowledge takes that back.
func (v1 *versionOne) unacknowledge(r *http.Request, _ *asked, _ view, id incident.ID) (any, error) {
	by := authorOf(r)
	before, err := v1.daemon.Unacknowledge(r.Context(), id, by)
	return newAcknowledged(before, by), err
}

// note adds a note to an incident.
func (v1 *versionOne) note(r *http.Request, in *asked, _ view, id incident.ID) (any, error) {
	if strings.TrimSpace(in.Text) == "" {
		return nil, badRequest(errors.New("a note must not be empty"))
	}
	e, err := v1.daemon.Note(r.Context(), id, tracker.Note{By: authorOf(r), Text: in.Text, Public: in.Public})
	return newNoted(e), err
}

// silence begins a silence.
func (v1 *versionOne) silence(r *http.Request, in *asked) (any, string, error) {
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		return nil, "", err
	}
	if err := s.maySilence(in.Scope); err != nil {
		return nil, "", err
	}
	until, err := readUntil(in.Until, s)
	switch {
	case err != nil:
		return nil, "", err
	case until.IsZero():
		return nil, "", badRequest(errors.New("a silence needs until, a time in the future"))
	}
	begun, err := v1.daemon.Silence(r.Context(), Silence{Scope: in.Scope, Reason: in.Reason, Until: until, By: authorOf(r)})
	if err != nil {
		return nil, "", err
	}
	page := "/coming"
	if in.Check != "" {
		page = pageOf(in.Check)
	}
	return newListedSilence(begun, s.Snapshot), page, nil
}

// endSilence ends a silence before its time, and answers with it as it was.
func (v1 *versionOne) endSilence(r *http.Request, _ *asked) (any, string, error) {
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		return nil, "", err
	}
	id := r.PathValue("id")
	list := newSilences(s, true).Silences
	i := slices.IndexFunc(list, func(l ListedSilence) bool { return l.ID == id })
	if i < 0 {
		return nil, "", notFound("there is no silence %q", id)
	}
	if !s.all() && s.maySilence(list[i].Scope) != nil {
		return nil, "", NewProblem(http.StatusForbidden, "the silence is about more than what you may silence")
	}
	was, err := v1.daemon.EndSilence(r.Context(), id, authorOf(r))
	was.From, was.Until = was.From.UTC(), was.Until.UTC()
	return was, "/coming", err
}

// maySilence returns why a visitor may not silence something; nil: they may. One who sees some
// groups may silence these, what is below them, and nothing else: what they do not see does
// not exist for them.
func (v view) maySilence(scope Scope) error {
	known := false
	switch {
	case scope == (Scope{}):
		return badRequest(errors.New("a silence needs a check, a server, a group or a role"))
	case scope.Check != "":
		known = v.seesID(scope.Check)
	case scope.Server != "":
		for c := range v.Checks() {
			known = known || c.Server == scope.Server
		}
	case scope.Group != "":
		known = scope.In(v.Config) && (v.all() || slices.ContainsFunc(v.visitor.Groups, func(g config.GroupID) bool {
			return scope.Group == g || strings.HasPrefix(string(scope.Group), string(g)+"/")
		}))
	case scope.Role != "":
		known = v.all() && scope.In(v.Config)
	}
	if !known {
		return notFound("there is no %s", scope)
	}
	return nil
}
