package api_test

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// A token says what it was made of, until its time is over; one of which a byte was changed, added or
// left out, or that another key has signed, says nothing.
func TestTokensCannotBeChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), api.LinkKeySize, api.LinkKeySize).Draw(t, "key")
		link := api.Link{
			Incident: incident.ID(rapid.StringMatching(`[0-9a-z]{10}`).Draw(t, "incident")),
			Role:     config.RoleID(rapid.StringMatching(`[a-z_.-]{1,20}`).Draw(t, "role")),
			Until:    time.Unix(noon.Unix()+rapid.Int64Range(1, 24*60*60).Draw(t, "seconds"), 0),
		}
		links := api.NewLinks(key)
		token := links.Token(link)
		if got, err := links.Read(token, noon); err != nil || got != link {
			t.Fatalf("%q: %v, %v", token, got, err)
		}
		if _, err := links.Read(token, link.Until.Add(time.Nanosecond)); err == nil {
			t.Fatal("it is read after its time")
		}
		changed := []byte(token)
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			changed[at] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		case 1:
			changed = append(changed[:at], changed[at+1:]...)
		case 2:
			changed = append(changed[:at], append([]byte{rapid.Byte().Draw(t, "byte")}, token[at:]...)...)
		}
		if got, err := links.Read(string(changed), noon); err == nil {
			t.Fatalf("%q is read as %v", changed, got)
		}
		key = bytes.Clone(key)
		key[0] ^= 1
		if _, err := api.NewLinks(key).Read(token, noon); err == nil {
			t.Fatal("another key has read it")
		}
	})
}

// Without a key nothing is signed and nothing is read, and a clock that was set back makes no link
// last longer.
func TestLinksThatAreNone(t *testing.T) {
	t.Parallel()
	if token := (api.Links{}).Token(api.Link{Incident: "abc", Role: "it_team", Until: noon}); token != "" {
		t.Errorf("%q", token)
	}
	keyed := api.NewLinks(make([]byte, api.LinkKeySize))
	token := keyed.Token(api.Link{Incident: "abc", Role: "it_team", Until: noon})
	for name, err := range map[string]error{
		"no key":   problemOf((api.Links{}).Read(token, noon)),
		"set back": problemOf(keyed.Read(token, noon.Add(-25*time.Hour))),
		"empty":    problemOf(keyed.Read("", noon)),
		"no parts": problemOf(keyed.Read(".", noon)),
	} {
		if err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

func problemOf(_ api.Link, err error) error { return err }

// The author says that a link was sent to the role, however long the name is that somebody types.
func TestAuthorsOfLinks(t *testing.T) {
	t.Parallel()
	link := api.Link{Role: "it_team"}
	for name, want := range map[string]string{
		"": "by link sent to it_team", " ": "by link sent to it_team", " Anna ": "Anna, by link sent to it_team",
		"a\x1b[31mb": `a\x1b[31mb, by link sent to it_team`,
	} {
		if got := link.Author(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
