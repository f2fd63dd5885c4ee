package pushover

import "time"

// Ration implements [notifiers.Rationed]: https://pushover.net/api#limits. Who pays has more.
func (s Settings) Ration() (messages int, each time.Duration, whose string) {
	return 10_000, 30 * 24 * time.Hour, "Pushover"
}
