package alertmanager

import "github.com/imapvigil/imapvigil/notifiers"

// Relay implements [notifiers.Relayed]. Where there are several, one that works is enough.
func (s Settings) Relay() string {
	host := ""
	for i, url := range notifiers.SplitList(s.URLs.Reveal()) {
		if next := notifiers.HostOf(url); i > 0 && next != host {
			return ""
		}
		host = notifiers.HostOf(url)
	}
	return host
}
