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

// Short is the message for a phone that shows little: what, where, why and
// since when, in one SMS of the GSM alphabet. The link comes with it where it
// fits whole. It holds no word of a server.
func (m Message) Short() string {
	switch len(m.Items) {
	case 0:
		return fitGSM(toGSM("imapvigil TEST message for " + m.Role + on(" from ", m.Monitor)))
	case 1:
		return m.Items[0].short(m)
	}
	var names []string
	for _, item := range m.Items {
		names = append(names, toGSM(item.Incident.id()))
	}
	start, end := "imapvigil: "+m.Counts()+": ", toGSM(m.shortReason())
	if septets(start)+septets(end)+len(names[0])+reserve > maxShort {
		end = ""
	}
	return fitNames(start, names, maxShort-septets(end), septets) + end
}

// shortReason says of all that is not over since when it has been so, and why if
// the reason is one and the same.
func (m Message) shortReason() string {
	var since time.Time
	reasons := map[string]bool{}
	for _, item := range m.Items {
		if item.Transition == Closed {
			continue
		}
		if began := item.Incident.bout().StartedAt; since.IsZero() || began.Before(since) {
			since = began
		}
		reasons[item.Incident.reason()] = true
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

// short uses ids rather than labels: they are ASCII by the rule of names.
func (i Item) short(m Message) string {
	in := i.Incident
	text := fmt.Sprintf("imapvigil %s %s%s ", i.word(), in.id(), in.shortEndpoint())
	if i.Transition == Closed {
		text += i.ending(Duration(in.bout().Duration(m.At)))
	} else {
		text += in.reason() + " since " + shortTime(in.bout().StartedAt)
	}
	text = fitGSM(toGSM(text))
	link := unbroken(in.URL)
	if link == "" || toGSM(link) != link || septets(text)+1+septets(link) > maxShort {
		return text
	}
	return text + " " + link
}

func (i Item) word() string {
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

// toGSM replaces what the alphabet lacks: one such character would more than
// halve what fits into an SMS.
func toGSM(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(gsmBasic, r) || strings.ContainsRune(gsmExtended, r) {
			return r
		}
		return '?'
	}, strings.ReplaceAll(oneLine(text), "…", "..."))
}

// septets is the length of text in the GSM alphabet.
func septets(text string) (n int) {
	for _, r := range text {
		n++
		if strings.ContainsRune(gsmExtended, r) {
			n++
		}
	}
	return n
}

// fitGSM cuts text to one SMS.
func fitGSM(text string) string {
	if septets(text) <= maxShort {
		return text
	}
	used := 0
	for i, r := range text {
		used += septets(string(r))
		if used > maxShort-len("...") {
			return text[:i] + "..."
		}
	}
	return text
}
