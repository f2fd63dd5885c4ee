package calendar

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

var (
	windowPattern = regexp.MustCompile(`^\s*([a-z, -]+?)\s+([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})\s*$`)
	weekdays      = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // as time.Weekday counts
)

// ParseWindow returns the window that "mon-fri 18:00-08:00" says. What is wrong with the text
// is given as sentences that do not repeat it, and "" where nothing is; noDay is the part of
// it that is none of the days, in quotes, if that is what is wrong.
func ParseWindow(text string) (w config.Window, wrong, noDay string) {
	m := windowPattern.FindStringSubmatch(strings.ToLower(text))
	if m == nil {
		return w, "A window is days and hours, like \"mon-fri 18:00-08:00\" or \"sat,sun 00:00-24:00\".", ""
	}
	if noDay = addDays(&w, m[1]); noDay != "" {
		return w, "The days are mon, tue, wed, thu, fri, sat and sun.", noDay
	}
	from, ok1 := minutes(m[2], m[3])
	to, ok2 := minutes(m[4], m[5])
	switch {
	case !ok1 || !ok2:
		return w, "Hours go from 00:00 to 24:00.", ""
	case from == 24*60: // minutes takes it, for the end of a window
		return w, "A window cannot begin at 24:00; that is 00:00 of the next day.", ""
	case from == to:
		return w, "The window has no length. A whole day is 00:00-24:00.", ""
	}
	w.From, w.To = from, to
	return w, "", ""
}

// addDays adds the days of "mon-fri", "sat,sun" or "fri-mon" to a window, and returns
// the first part of the text that is none, in quotes.
func addDays(w *config.Window, text string) (noDay string) {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(weekdays, strings.TrimSpace(first)), slices.Index(weekdays, strings.TrimSpace(last))
		if from < 0 || to < 0 {
			return strconv.Quote(part)
		}
		for day := from; ; day = (day + 1) % 7 { // "fri-mon" goes over the end of the week
			w.Days[day] = true
			if day == to {
				break
			}
		}
	}
	return ""
}

func minutes(hour, minute string) (int, bool) {
	h, err1 := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	total := h*60 + m
	return total, err1 == nil && err2 == nil && m < 60 && total <= 24*60
}
