package pages

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// The page says how far back its median looks, and not more than is kept.
func TestUsualSpan(t *testing.T) {
	t.Parallel()
	for detail, want := range map[time.Duration]string{
		0: "7 days", time.Hour: "1 hour", 48 * time.Hour: "48 hours", 3 * aDay: "3 days", 30 * aDay: "7 days",
	} {
		if got := usualSpan(config.History{Detail: detail}); got != want {
			t.Errorf("%s is kept: %q, want %q", detail, got, want)
		}
	}
}
