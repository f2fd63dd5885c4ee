package notifiers

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxShort is one SMS in the alphabet of GSM 03.38, in septets.
const maxShort = 160

// Short returns the message for a phone that shows little: what, where, why and since
// when, in one SMS of the GSM alphabet. The link comes with it where it fits whole. It
// holds no word of a server.
func (m Message) Short() string {
	switch len(m.Items) {
	case 0:
		return cutToOneSMS(replaceNonGSM("imapvigil TEST message for " + m.Role + withMonitor(" from ", m.Monitor)))
	case 1:
		return m.Items[0].shortText(m)
	}
	var names []string
	for _, item := range m.Items {
		names = append(names, replaceNonGSM(item.Incident.listedName()))
	}
	start, end := "imapvigil: "+m.Counts()+": ", replaceNonGSM(m.shortReason())
	// Where both do not fit, the name of a check tells more than the reason.
	if countSeptets(start)+countSeptets(end)+len(names[0])+reserve > maxShort {
		end = ""
	}
	return listNamesThatFit(start, names, maxShort-countSeptets(end), countSeptets) + end
}

// shortReason says since when the oldest of what is not over has been so, and why if
// all have the same cause.
func (m Message) shortReason() string {
	var since time.Time
	reasons := map[string]bool{}
	for _, item := range m.Items {
		// What is over has no "since".
		if item.Transition == Closed {
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
	return text + "since " + shortTime(since)
}

func shortTime(t time.Time) string { return t.UTC().Format("2 Jan 15:04 UTC") }

// shortText returns the text of one item for one SMS. It has ids rather than labels:
// they are ASCII by the rule of names, and a character beyond GSM 03.38 would halve the
// room.
func (i Item) shortText(m Message) string {
	in := i.Incident
	text := fmt.Sprintf("imapvigil %s %s%s ", i.shortWord(), in.listedName(), in.shortEndpoint())
	if i.Transition == Closed {
		text += i.endingText(Duration(in.currentEpisode().Duration(m.At)))
	} else {
		text += in.briefCause() + " since " + shortTime(in.currentEpisode().StartedAt)
	}
	text = cutToOneSMS(replaceNonGSM(text))
	// The link comes whole or not at all: half of one leads nowhere. It must also fit the
	// alphabet as it is, since a replaced character would break it.
	link := withoutSpaces(in.URL)
	if link == "" || replaceNonGSM(link) != link || countSeptets(text)+1+countSeptets(link) > maxShort {
		return text
	}
	return text + " " + link
}

func (i Item) shortWord() string {
	severity := strings.ToUpper(i.Incident.Severity)
	switch i.Transition {
	case Changed:
		return "NOW " + severity
	case Reminder:
		return "STILL " + severity
	case Escalated:
		return "ESCALATED " + severity
	case Closed:
		return "CLOSED"
	case Opened, Test:
	}
	return severity
}

func (i Incident) shortEndpoint() string {
	if i.Host == "" {
		return ""
	}
	return " (" + net.JoinHostPort(i.Host, strconv.Itoa(i.Port)) + ")"
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

// cutToOneSMS cuts a text to one SMS, with dots as the sign of it: the ellipsis is not
// in the alphabet.
func cutToOneSMS(text string) string {
	if countSeptets(text) <= maxShort {
		return text
	}
	used := 0
	for i, r := range text {
		used += countSeptets(string(r))
		if used > maxShort-len("...") {
			return text[:i] + "..."
		}
	}
	return text
}
