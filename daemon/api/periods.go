package api

import (
	"net/http"

	"github.com/imapvigil/imapvigil/config"
)

// The periods that are looked at when none is asked for.
const (
	usualPeriod       = "30d"
	usualReportPeriod = "last-month"
)

func (v1 *versionOne) availability(r *http.Request) (any, error) {
	return AvailabilityFor(r.Context(), v1.daemon, readPeriodQuery(r, usualPeriod))
}

func (v1 *versionOne) report(r *http.Request) (any, error) {
	return ReportFor(r.Context(), v1.daemon, readPeriodQuery(r, usualReportPeriod))
}

func (v1 *versionOne) checkHistory(r *http.Request) (any, error) {
	return HistoryFor(r.Context(), v1.daemon, readHistoryQuery(r, config.CheckID(r.PathValue("check"))))
}

func measureAvailability(d Daemon) func(*http.Request) (Availability, error) {
	return func(r *http.Request) (Availability, error) {
		return AvailabilityFor(r.Context(), d, readPeriodQuery(r, usualPeriod))
	}
}

func reportPeriod(d Daemon) func(*http.Request) (PeriodReport, error) {
	return func(r *http.Request) (PeriodReport, error) {
		return ReportFor(r.Context(), d, readPeriodQuery(r, usualReportPeriod))
	}
}

func showHistory(d Daemon) func(*http.Request) (CheckHistory, error) {
	return func(r *http.Request) (CheckHistory, error) {
		return HistoryFor(r.Context(), d, readHistoryQuery(r, config.CheckID(r.PathValue("id"))))
	}
}
