package config_test

import (
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"4GiB": 4 << 30, "512MiB": 512 << 20, "1.5 TB": 1.5e12, "2gb": 2e9, "64kib": 64 << 10, "1TiB": 1 << 40,
		"4": -1, "GiB": -1, "-1GiB": -1, "4 G": -1, "99999999999TiB": -1, "": -1, "4GiB x": -1,
	} {
		got, err := config.ParseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
	for bytes, want := range map[int64]string{4 << 30: "4GiB", 1536 << 20: "1.5GiB", 17e9: "15.8GiB", 512: "512B", 64 << 20: "64MiB"} {
		if got := config.FormatSize(bytes); got != want {
			t.Errorf("%d is %q, want %q", bytes, got, want)
		}
	}
}

func FuzzSize(f *testing.F) {
	f.Add("4GiB")
	f.Fuzz(func(t *testing.T, text string) {
		bytes, err := config.ParseSize(text)
		if err != nil {
			return
		}
		if again, err := config.ParseSize(config.FormatSize(bytes)); bytes >= 1024 && (err != nil || bytes < 0 || float64(again) < 0.9*float64(bytes)) {
			t.Errorf("%q is %d, written %q, read as %d", text, bytes, config.FormatSize(bytes), again)
		}
	})
}
