package api

import (
	"net/http"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// nothing is the answer to what was only to be done.
type nothing = struct{}

func showCheck(d Daemon) func(*http.Request) (Check, error) {
	return func(r *http.Request) (Check, error) {
		return checkInDetail(r.Context(), d, config.CheckID(r.PathValue("id")))
	}
}

func explainIncident(d Daemon) func(*http.Request) (heldList, error) {
	return func(r *http.Request) (heldList, error) {
		list, err := d.Explain(r.Context(), incident.ID(r.PathValue("id")))
		return newHeldList(list), err
	}
}

func foresee(d Daemon) func(*http.Request) (Forecast, error) {
	return func(r *http.Request) (Forecast, error) {
		q, err := readQuestion(r)
		if err != nil {
			return Forecast{}, err
		}
		f, err := d.Foresee(r.Context(), q)
		return newForecast(q, f), err
	}
}

func acknowledge(d Daemon) func(*http.Request, acknowledgement) (Acknowledged, error) {
	return func(r *http.Request, a acknowledgement) (Acknowledged, error) {
		by := a.author(r.Context())
		before, err := d.Acknowledge(r.Context(), a.Incident, tracker.Acknowledgement{By: by, Reason: a.Reason, Until: a.Until})
		return newAcknowledged(before, by), err
	}
}

func unacknowledge(d Daemon) func(*http.Request, acknowledgement) (Acknowledged, error) {
	return func(r *http.Request, a acknowledgement) (Acknowledged, error) {
		by := a.author(r.Context())
		before, err := d.Unacknowledge(r.Context(), a.Incident, by)
		return newAcknowledged(before, by), err
	}
}

func addNote(d Daemon) func(*http.Request, note) (Noted, error) {
	return func(r *http.Request, n note) (Noted, error) {
		e, err := d.Note(r.Context(), n.Incident, tracker.Note{By: n.author(r.Context()), Text: n.Text, Public: n.Public})
		return newNoted(e), err
	}
}

func listSilences(d Daemon) func(*http.Request) (Silences, error) {
	return func(r *http.Request) (Silences, error) {
		s, err := d.Snapshot(r.Context())
		if err != nil {
			return Silences{}, err
		}
		return NewSilences(s, r.URL.Query().Has("all")), nil
	}
}

func beginSilence(d Daemon) func(*http.Request, newSilence) (ListedSilence, error) {
	return func(r *http.Request, s newSilence) (ListedSilence, error) {
		s.By = Signature{s.By, s.User}.author(r.Context())
		begun, err := d.Silence(r.Context(), s.Silence)
		if err != nil {
			return ListedSilence{}, err
		}
		// How many checks it covers is only known of a snapshot.
		now, err := d.Snapshot(r.Context())
		if err != nil {
			return ListedSilence{}, err
		}
		return newListedSilence(begun, now), nil
	}
}

func endSilence(d Daemon) func(*http.Request) (Silence, error) {
	return func(r *http.Request) (Silence, error) {
		return d.EndSilence(r.Context(), r.PathValue("id"), signatureOf(r).author(r.Context()))
	}
}

func retryDelivery(d Daemon) func(*http.Request) (nothing, error) {
	return func(r *http.Request) (nothing, error) {
		return nothing{}, d.Redeliver(r.Context(), r.PathValue("key"))
	}
}

func dismissDelivery(d Daemon) func(*http.Request) (nothing, error) {
	return func(r *http.Request) (nothing, error) {
		return nothing{}, d.Dismiss(r.Context(), r.PathValue("key"), signatureOf(r).author(r.Context()))
	}
}

func recheck(d Daemon) func(*http.Request) (Report, error) {
	return func(r *http.Request) (Report, error) {
		return d.Recheck(r.Context(), config.CheckID(r.URL.Query().Get("check")))
	}
}

func notifyTest(d Daemon) func(*http.Request) (Trial, error) {
	return func(r *http.Request) (Trial, error) {
		return d.NotifyTest(r.Context(), config.RoleID(r.URL.Query().Get("role")))
	}
}

func reload(d Daemon) func(*http.Request) (Verdict, error) {
	return func(r *http.Request) (Verdict, error) {
		return d.Reload(r.Context(), r.URL.Query().Has("allow_shrink"))
	}
}

func planOwnFiles(d Daemon) func(*http.Request) (wholePlan, error) {
	return func(r *http.Request) (wholePlan, error) {
		p, err := d.Plan(r.Context(), nil)
		return newWholePlan(p), err
	}
}

func planSentFiles(d Daemon) func(*http.Request) (wholePlan, error) {
	return func(r *http.Request) (wholePlan, error) {
		var files source.Parcel
		if err := decodeBody(r, &files, MostFiles); err != nil {
			return wholePlan{}, err
		}
		p, err := d.Plan(r.Context(), &files)
		return newWholePlan(p), err
	}
}
