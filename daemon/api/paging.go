package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Long lists are answered in pages: ?limit= says how many entries at most, and "next" in the
// answer is the ?cursor= of the entries behind them; it is missing behind the last. A cursor stays
// good when entries come and go.
const (
	defaultLimit = 1000
	mostLimit    = 10_000
)

// Pages are what the commands print, with the cursor of the next one; empty: there is none.
type (
	statusPage struct {
		Status
		Next string `json:"next,omitempty"`
	}
	incidentsPage struct {
		Incidents
		Next string `json:"next,omitempty"`
	}
	deliveriesPage struct {
		Deliveries
		Next string `json:"next,omitempty"`
	}
)

// A page is the part of a list that is wanted.
type page struct {
	limit int
	after string // the key of the entry before it; empty: it is the first
}

// readPage reads which page of a list is wanted; ordinary is the limit of a request that has none.
func readPage(r *http.Request, ordinary int) (p page, err error) {
	p.limit = ordinary
	v := r.URL.Query()
	if text := v.Get("limit"); text != "" {
		p.limit, err = strconv.Atoi(text)
		if err != nil || p.limit < 1 || p.limit > mostLimit {
			return p, badRequest(fmt.Errorf("limit is a number from 1 to %d, not %q", mostLimit, text))
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(v.Get("cursor"))
	if err != nil {
		return p, badRequest(fmt.Errorf("cursor is the next of an answer, not %q", v.Get("cursor")))
	}
	p.after = string(after)
	return p, nil
}

// cutPage returns a page of a list that is in the order of keys, and the cursor of the next one; empty:
// there is none.
func cutPage[T any](list []T, p page, key func(*T) string) (part []T, next string) {
	if p.after != "" {
		begin := slices.IndexFunc(list, func(one T) bool { return key(&one) > p.after })
		if begin < 0 {
			return []T{}, "" // JSON says [], not null
		}
		list = list[begin:]
	}
	if len(list) <= p.limit {
		return list, ""
	}
	return list[:p.limit], base64.RawURLEncoding.EncodeToString([]byte(key(&list[p.limit-1])))
}

// timeKey orders entries by time, and those of one time by name.
func timeKey(at time.Time, name string) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000000Z ") + name
}
