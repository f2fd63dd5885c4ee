package config_test

import (
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "14d": 14 * day,
		"1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "1.5h": 90 * time.Minute, "0s": 0,
		"5y": 5 * 365 * day, "1y6d": 371 * day,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "60", "-5m", "5 m", "5w", "m", "1e3s", "5M", "99999999999d", "5m "} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 90 * time.Second: "1m30s", 14 * 24 * time.Hour: "14d", 36 * time.Hour: "1d12h",
		250 * time.Millisecond: "250ms", -time.Minute: "-1m",
	} {
		if got := config.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	f.Add("1d12h")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := config.ParseDuration(text)
		if err != nil {
			return
		}
		again, err := config.ParseDuration(config.FormatDuration(d))
		if err != nil || again != d.Truncate(time.Millisecond) {
			t.Errorf("%q is %v, written as %q, read as %v, %v", text, d, config.FormatDuration(d), again, err)
		}
	})
}
