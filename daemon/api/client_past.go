package api

import (
	"context"
	"net/http"
	"net/url"
)

// Report asks for the report of a period.
func (c *Client) Report(ctx context.Context, q PeriodQuery) (r PeriodReport, err error) {
	err = c.request(ctx, http.MethodGet, "/v1/report?"+q.encode(), nil, &r)
	return r, err
}

// History asks what was of one check.
func (c *Client) History(ctx context.Context, q HistoryQuery) (h CheckHistory, err error) {
	values := url.Values{}
	for name, value := range map[string]string{"from": q.From, "to": q.To, "step": q.Step} {
		if value != "" {
			values.Set(name, value)
		}
	}
	err = c.request(ctx, http.MethodGet, "/v1/history/"+url.PathEscape(string(q.Check))+"?"+values.Encode(), nil, &h)
	return h, err
}

// encode returns the query as readPeriodQuery reads it.
func (q PeriodQuery) encode() string {
	return url.Values{"period": {q.Period}, "group": {string(q.Group)}, "check": {string(q.Check)}}.Encode()
}
