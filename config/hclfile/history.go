package hclfile

import (
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

var historyTable = table[config.History]{
	newRow("detail", durationBetween(time.Hour, unbounded), `"48h"`, "How long each probe is kept, for charts",
		func(h *config.History, v value) { h.Detail = v.span() }),
	newRow("hourly", durationBetween(day, unbounded), `"90d"`, "How long the figures of each hour are kept",
		func(h *config.History, v value) { h.Hourly = v.span() }),
	newRow("daily", durationBetween(day, unbounded), `"400d"`, "How long the figures of each day are kept",
		func(h *config.History, v value) { h.Daily = v.span() }),
	newRow("incidents", durationBetween(day, unbounded), `"5y"`, "How long incidents and the times of maintenance are kept, from which availability is computed",
		func(h *config.History, v value) { h.Incidents = v.span() }),
	newRow("max_size", sizeFrom(leastHistory), `"4GiB"`, "How large the database may become. Beyond it the oldest probes are deleted first, then hours; incidents last",
		func(h *config.History, v value) { h.MaxSize = v.size }),
}

const (
	leastHistory   = 64 << 20
	defaultHistory = 4 << 30
)

func (l *loader) defineHistory() {
	l.config.History = config.History{
		Detail: 48 * time.Hour, Hourly: 90 * day, Daily: 400 * day, Incidents: 5 * 365 * day, MaxSize: defaultHistory,
	}
	if b := l.single["history"]; b != nil {
		decode(l, historyTable, l.content(b, historyBlock, "history"), &l.config.History)
	}
}

// sizeFrom returns a kind for a size of at least so many bytes.
func sizeFrom(least int64) kind {
	bounds := fmt.Sprintf("%q or more", config.FormatSize(least))
	return kind{name: "size", bounds: bounds, read: func(r *reading) (value, bool) {
		if r.v.Type() == cty.Number && !r.v.IsNull() {
			return r.wrong(ruleSize, "%s must have a unit, like\n    %s = \"4GiB\"", r.attr.name, r.attr.name)
		}
		v, ok := r.str()
		if !ok {
			return v, false
		}
		size, err := config.ParseSize(v.text)
		if err != nil {
			return r.wrong(ruleSize, "%s: %s.", diagnose.Capital(r.show(v.text)), err)
		}
		if size < least {
			return r.wrong(ruleBounds, "%s must be %s, not %s.", r.attr.name, bounds, complaint{diagnose.Quoted(v.text), "another size"}.says(r.shown()))
		}
		return value{size: size}, true
	}}
}
