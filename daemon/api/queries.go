package api

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	moments "github.com/imapvigil/imapvigil/config/moment"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The parameters of a query are the flags of the commands, without their dashes.

// directoryOf returns the names that somebody who sees some checks can give.
func directoryOf(s view) *lookup.Directory {
	var members []lookup.Member
	for c := range s.Checks() {
		m := lookup.Member{Check: c.ID, Server: c.Server}
		if len(c.Path) > 0 {
			m.Group = c.Path[len(c.Path)-1]
		}
		members = append(members, m)
	}
	return lookup.New(members)
}

// status answers GET /api/v1/status.
func (v1 *versionOne) status(r *http.Request) (any, error) {
	if r.URL.RawQuery == "" && VisitorOf(r.Context()).Groups == nil {
		return v1.whole.bodyFor(r.Context())
	}
	q := r.URL.Query()
	p, err := readPage(r, mostLimit*10)
	if err != nil {
		return nil, err
	}
	states, err := lookup.Words("state", q["state"], incident.CheckStates())
	if err != nil {
		return nil, badRequest(err)
	}
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		return nil, err
	}
	wanted, err := directoryOf(s).Select(q["check"], q.Get("server"), q.Get("group"))
	if err != nil {
		return nil, notFound("%v", err)
	}
	status := newStatus(s, v1.daemon.Self(), v1.daemon.NextProbe)
	status.Checks = slices.DeleteFunc(status.Checks, func(c Check) bool {
		return wanted != nil && !wanted[c.ID] || len(states) > 0 && !slices.Contains(states, c.State)
	})
	part := statusPage{Status: status}
	part.Checks, part.Next = cutPage(status.Checks, p, func(c *Check) string { return string(c.ID) })
	return part, nil
}

// check answers GET /api/v1/checks/{check}.
func (v1 *versionOne) check(r *http.Request) (any, error) {
	return CheckFor(r.Context(), v1.daemon, config.CheckID(r.PathValue("check")))
}

// incidents answers GET /api/v1/incidents.
func (v1 *versionOne) incidents(r *http.Request) (any, error) {
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		return nil, err
	}
	p, err := readPage(r, defaultLimit)
	if err != nil {
		return nil, err
	}
	fits, err := v1.incidentFilter(r, s)
	if err != nil {
		return nil, err
	}
	list := newIncidents(s)
	list.Incidents = slices.DeleteFunc(list.Incidents, func(i Incident) bool { return !fits(&i) })
	var part incidentsPage
	part.Incidents.Incidents, part.Next = cutPage(list.Incidents, p, func(i *Incident) string { return timeKey(i.StartedAt, string(i.ID)) })
	return part, nil
}

// incidentFilter reads which incidents are wanted.
func (v1 *versionOne) incidentFilter(r *http.Request, s view) (fits func(*Incident) bool, err error) {
	q := r.URL.Query()
	since, err := readSince(q.Get("since"), s)
	if err != nil {
		return nil, err
	}
	open, err := readSwitch(q.Get("open"), q.Has("open"))
	if err != nil {
		return nil, err
	}
	names := directoryOf(s)
	var group config.GroupID
	if q.Get("group") != "" {
		if group, err = names.Group(q.Get("group")); err != nil {
			return nil, notFound("%v", err)
		}
	}
	var checks []config.CheckID // nil: all
	if name := q.Get("check"); name != "" {
		// Also one that has left the files and has incidents.
		checks = []config.CheckID{config.CheckID(name)}
		gone := slices.ContainsFunc(newIncidents(s).Incidents, func(i Incident) bool { return string(i.Check) == name })
		if found, err := names.Checks(name); err == nil {
			checks = found
		} else if !gone {
			return nil, notFound("%v", err)
		}
	}
	return func(i *Incident) bool {
		return (checks == nil || slices.Contains(checks, i.Check)) && (!open || i.State != incident.StatusClosed) &&
			!i.StartedAt.Before(since) && isInGroup(i.Groups, group)
	}, nil
}

// isInGroup reports whether groups, outermost first, lie in a group; empty: in any.
func isInGroup(groups []string, group config.GroupID) bool {
	return group == "" || strings.HasPrefix(path.Join(groups...)+"/", string(group)+"/")
}

// readSince reads a time that has passed, by the clocks of the page; an empty text is before
// everything.
func readSince(text string, s view) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	m, err := moments.Since(text, s.At.In(s.Config.PageZone()))
	if err != nil {
		return time.Time{}, badRequest(fmt.Errorf("since: %w", err))
	}
	return m.At, nil
}

// readSwitch reads a parameter that is there or not: "?open" is as "?open=true".
func readSwitch(text string, there bool) (on bool, err error) {
	switch text {
	case "":
		return there, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, badRequest(fmt.Errorf("write true or false, not %q", text))
}

// incident answers GET /api/v1/incidents/{incident}.
func (v1 *versionOne) incident(r *http.Request) (any, error) {
	in, err := IncidentFor(r.Context(), v1.daemon, incident.ID(r.PathValue("incident")))
	return Incidents{Incidents: []Incident{in}}, err
}

// deliveries answers GET /api/v1/deliveries.
func (v1 *versionOne) deliveries(r *http.Request) (any, error) {
	s, err := viewOf(r.Context(), v1.daemon)
	if err != nil {
		return nil, err
	}
	p, err := readPage(r, defaultLimit)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	all, err := readSwitch(q.Get("all"), q.Has("all"))
	if err != nil {
		return nil, err
	}
	since, err := readSince(q.Get("since"), s)
	if err != nil {
		return nil, err
	}
	list := NewDeliveries(newIncidents(s).Incidents, all)
	list.Deliveries = slices.DeleteFunc(list.Deliveries, func(d DeliveryOf) bool { return d.At.Before(since) })
	var part deliveriesPage
	part.Deliveries.Deliveries, part.Next = cutPage(list.Deliveries, p, func(d *DeliveryOf) string { return timeKey(d.At, string(d.Key)) })
	return part, nil
}

// certificates answers GET /api/v1/certificates.
func (v1 *versionOne) certificates(r *http.Request) (any, error) {
	return CertificatesFor(r.Context(), v1.daemon)
}

// coming answers GET /api/v1/coming.
func (v1 *versionOne) coming(r *http.Request) (any, error) {
	return ComingFor(r.Context(), v1.daemon)
}

// silences answers GET /api/v1/silences.
func (v1 *versionOne) silences(r *http.Request) (any, error) {
	q := r.URL.Query()
	all, err := readSwitch(q.Get("all"), q.Has("all"))
	if err != nil {
		return nil, err
	}
	return SilencesFor(r.Context(), v1.daemon, all)
}
