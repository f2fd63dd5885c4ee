package calendar_test

import (
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/calendar"
)

func TestParseWindow(t *testing.T) {
	for _, c := range []struct {
		text, wrong, noDay string
		want               config.Window
	}{
		{text: "fri-mon 18:00 - 08:00", want: config.Window{Days: [7]bool{0: true, 1: true, 5: true, 6: true}, From: 18 * 60, To: 8 * 60}},
		{text: "Sat, sun 00:00-24:00", want: config.Window{Days: [7]bool{0: true, 6: true}, To: 24 * 60}},
		{text: "mon", wrong: "A window is days and hours"},
		{text: "mon,weekend 08:00-09:00", wrong: "The days are mon", noDay: `"weekend"`},
		{text: "mon,,tue 08:00-09:00", wrong: "The days are mon", noDay: `""`},
		{text: "mon 08:00-24:01", wrong: "Hours go from 00:00 to 24:00."},
		{text: "mon 24:00-08:00", wrong: "A window cannot begin at 24:00"},
		{text: "mon 08:00-08:00", wrong: "The window has no length."},
	} {
		got, wrong, noDay := calendar.ParseWindow(c.text)
		if !strings.HasPrefix(wrong, c.wrong) || (wrong == "") != (c.wrong == "") || noDay != c.noDay {
			t.Errorf("%s: %q, %q, want %q, %q", c.text, wrong, noDay, c.wrong, c.noDay)
		}
		if wrong == "" && got != c.want {
			t.Errorf("%s: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("mon-fri 18:00-08:00")
	f.Add("sat,sun 00:00-24:00")
	f.Fuzz(func(t *testing.T, text string) {
		w, wrong, _ := calendar.ParseWindow(text)
		if ok := w.From >= 0 && w.From < 24*60 && w.To >= 0 && w.To <= 24*60 && w.From != w.To && w.Days != [7]bool{}; wrong == "" && !ok {
			t.Errorf("%q is the window %+v", text, w)
		}
	})
}
