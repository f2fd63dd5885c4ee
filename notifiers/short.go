package notifiers

import (
	"net"
	"strconv"
	"strings"
	"time"
)

// An SMS in the alphabet of GSM 03.38 holds maxShort septets. A longer text is sent as
// several segments of 153, since each needs a header (3GPP TS 23.040 section 9.2.3.24.1);
// maxTwo leaves one septet in each for a character of two that would be torn apart.
const (
	maxShort = 160
	maxTwo   = 2*153 - 2
)

// Short returns the message for a phone that shows little: what, where, why and since
// when, and last what to type to acknowledge it, in the GSM alphabet. It is one SMS where
// that is possible and never more than two. It holds no word of a server.
func (m Message) Short() string {
	if m.Own.Text != "" {
		return m.ownShort()
	}
	switch len(m.Items) {
	case 0:
		return cutToOneSMS(replaceNonGSM("TEST for " + m.Role + " from imapvigil" + withMonitor(" on ", m.Monitor) + ". Nothing is wrong, there is nothing to do."))
	case 1:
		return m.shortText(m.Items[0])
	}
	items := m.Arranged()
	names := listedNames(items)
	for i := range names {
		names[i] = replaceNonGSM(names[i])
	}
	start, end := countItems(items)+": ", replaceNonGSM(m.shortReason(items))
	// Where both do not fit, the name of a check tells more than the reason.
	if countSeptets(start)+countSeptets(end)+len(names[0])+reserve > maxShort {
		end = ""
	}
	text := listNamesThatFit(start, names, maxShort-countSeptets(end), countSeptets) + end
	return appendIfFits(text, shortAdvice(items), maxTwo)
}

// shortAdvice returns how to acknowledge what is open: with the ids of a few, else how to
// list them.
func shortAdvice(items []Item) string {
	const few = 5
	var ids []string
	for _, item := range items {
		if item.acknowledgeCommand() != "" {
			ids = append(ids, item.Incident.ID)
		}
	}
	switch {
	case len(ids) == 0:
		return ""
	case len(ids) > few:
		return ". imapvigil incidents --open"
	}
	return ". " + replaceNonGSM(acknowledgeCommand(ids...))
}

// shortReason says since when the oldest of what is not over has been so, and why if
// all have the same cause.
func (m Message) shortReason(items []Item) string {
	var since time.Time
	reasons := map[string]bool{}
	for _, item := range items {
		// What is over has no "since".
		if item.Ends() {
			continue
		}
		if began := item.Incident.currentEpisode().StartedAt; since.IsZero() || began.Before(since) {
			since = began
		}
		reasons[item.Incident.briefCause()] = true
	}
	if len(reasons) == 0 {
		return ""
	}
	text := "; "
	if len(reasons) == 1 {
		for reason := range reasons {
			text += reason + " "
		}
	}
	return text + "since " + m.shortTime(since)
}

// shortText returns the text of one item. It has ids rather than labels: they are ASCII by
// the rule of names, and a character beyond GSM 03.38 would halve the room. The first lines
// of a phone show the essence, so host and port come behind it, where they fit into the same
// SMS; then what to type.
func (m Message) shortText(i Item) string {
	in := i.Incident
	word := i.Word()
	if i.Transition == Changed || i.Transition == Escalated {
		word += ", " + strings.ToUpper(in.Severity)
	}
	text, from := word+" "+in.listedName()+": ", ""
	if by := i.author(); by != "" {
		text = word + " " + in.listedName() + " " + by + ": " + in.Severity + ", "
	}
	if i.Ends() {
		text += i.endingText(in.lasted(m.At))
	} else {
		text += in.briefCause() + " since " + m.shortTime(in.currentEpisode().StartedAt)
		from = in.shortFrom()
	}
	text = replaceNonGSM(text)
	advice := replaceNonGSM(i.acknowledgeCommand())
	// An id of ours is short; another one, of a damaged journal, must not cost the essence.
	if advice != "" && countSeptets(advice) <= maxShort/2 {
		advice = ". " + advice
	} else {
		advice = ""
	}
	for _, more := range []string{from, in.shortEndpoint()} {
		text = appendIfFits(text, replaceNonGSM(more), maxShort-countSeptets(advice))
	}
	if countSeptets(text)+countSeptets(advice) > maxTwo {
		text = cutToSeptets(text, maxTwo-countSeptets(advice))
	}
	text += advice
	// The link comes whole or not at all: half of one leads nowhere. It must also fit the
	// alphabet as it is, since a replaced character would break it.
	link := withoutSpaces(in.URL)
	if link == "" || replaceNonGSM(link) != link {
		return text
	}
	return appendIfFits(text, " "+link, maxShort)
}

// appendIfFits appends more to a text unless the whole would be longer than limit septets.
func appendIfFits(text, more string, limit int) string {
	if countSeptets(text)+countSeptets(more) > limit {
		return text
	}
	return text + more
}

// shortFrom says which of several nodes see it, and leaves out what the others see.
func (i Incident) shortFrom() string {
	if i.From == "" {
		return ""
	}
	failing, _, _ := strings.Cut(sanitisedLine(i.From), ";")
	return ", " + SeenFromClause(failing)
}

func (i Incident) shortEndpoint() string {
	if i.Host == "" {
		return ""
	}
	return ", " + net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
}

// The alphabet of GSM 03.38, sections 6.2.1 and 6.2.1.1, without the Greek
// capitals and the control characters. A character of the extension table takes
// two septets.
const (
	gsmBasic = "@£$¥èéùìòÇØøÅå_ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€"
)

// replaceNonGSM replaces what the alphabet lacks: one such character would have the
// SMS sent in UCS-2, of which 70 characters fit instead of 160.
func replaceNonGSM(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsmBasic, r) || strings.ContainsRune(gsmExtended, r) {
			return r
		}
		return '?'
	}, strings.ReplaceAll(sanitisedLine(text), "…", "..."))
}

// countSeptets returns the length of a text in the GSM alphabet.
func countSeptets(text string) (n int) {
	for _, r := range text {
		n++
		// Sent as an escape and a second septet (GSM 03.38 section 6.2.1.1).
		if strings.ContainsRune(gsmExtended, r) {
			n++
		}
	}
	return n
}

// cutToOneSMS cuts a text to one SMS.
func cutToOneSMS(text string) string { return cutToSeptets(text, maxShort) }

// cutToSeptets cuts a text, with dots as the sign of it: the ellipsis is not in the
// alphabet.
func cutToSeptets(text string, limit int) string {
	if countSeptets(text) <= limit {
		return text
	}
	used := 0
	for i, r := range text {
		used += countSeptets(string(r))
		if used > limit-len("...") {
			return text[:i] + "..."
		}
	}
	return text
}
