package ntfy

import (
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

const publicHost = "ntfy.sh"

// Relay implements [notifiers.Relayed].
func (s Settings) Relay() string {
	if s.URL == "" {
		return publicHost
	}
	return notifiers.HostOf(s.URL)
}

// Ration implements [notifiers.Rationed]: https://docs.ntfy.sh/publish/#limitations. Who pays has more.
func (s Settings) Ration() (messages int, each time.Duration, whose string) {
	if s.Relay() != publicHost || !s.Token.IsZero() || s.Username != "" {
		return 0, 0, ""
	}
	return 250, 24 * time.Hour, publicHost
}
