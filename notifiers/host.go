package notifiers

import (
	"net/url"
	"time"
)

// HostOf returns the host that a URL names, for [Relayed]; empty: it names none.
func HostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// A Rationed is Settings whose service takes only so many messages in a time, beside what
// max_per_hour says. Whose names it for people: "ntfy.sh". No messages: there is no such bound.
type Rationed interface {
	Ration() (messages int, each time.Duration, whose string)
}
