package config_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func TestDurationMeant(t *testing.T) {
	for text, want := range map[string]string{
		"5 minutes": "5m", "1 hour and 30 min": "1h30m", "2 weeks": "14d", "3 Tage": "3d", "90 sec.": "90s", "5 years": "5y", "1 Jahr": "1y",
		"5 parsecs": "", "often": "", "": "", "5 minutes or so": "", "99999 weeks": "",
	} {
		if got, ok := config.DurationMeant(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q is taken for %q, %t, want %q", text, got, ok, want)
		}
	}
}

func FuzzDurationMeant(f *testing.F) {
	f.Add("1 hour and 30 min")
	f.Fuzz(func(t *testing.T, text string) {
		meant, ok := config.DurationMeant(text)
		if _, err := config.ParseDuration(meant); ok && err != nil {
			t.Errorf("%q is taken for %q: %v", text, meant, err)
		}
	})
}
