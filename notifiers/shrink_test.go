package notifiers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/notifiertest"
)

// However little a service takes, titles and links go last.
func TestCardsThatFit(t *testing.T) {
	m := notifiertest.Message("k")
	in := &m.Items[0].Incident
	in.Evidence = opaque.Sanitise(strings.Repeat("server ", 500))
	in.Description = strings.Repeat("about ", 2000)
	in.Runbook = "https://wiki.example.org/" + strings.Repeat("x", 3000)
	in.AcknowledgeURL = "https://status.example.org/a/1"
	for len(m.Items) < 12 {
		more := m.Items[0]
		more.Incident.Check = fmt.Sprint("mx", len(m.Items))
		m.Items = append(m.Items, more)
	}
	before := 1 << 30
	for _, most := range []int{1 << 30, 20_000, 10_000, 6000, 3000, 1000, 10} {
		cards := m.CardsThatFit(func(cards []notifiers.Card) bool { return length(cards) <= most })
		n := length(cards)
		if n > before || most > 1000 && n > most {
			t.Errorf("%d characters where %d are allowed", n, most)
		}
		before = n
		for _, card := range cards {
			var links int
			for _, fact := range card.Facts {
				if fact.Kind == notifiers.Link || fact.Kind == notifiers.Button {
					links++
				}
			}
			if card.Title != "" && links != 2 {
				t.Errorf("at %d characters %q has %d links", most, card.Title, links)
			}
		}
		if last := cards[len(cards)-1]; most == 1000 && !slices.Equal(last.Lines, []string{"and 7 more"}) {
			t.Errorf("the last card says %q", last.Lines)
		}
	}
}

func length(cards []notifiers.Card) (n int) {
	for _, card := range cards {
		n += len(card.Title) + len(strings.Join(card.Lines, "\n"))
		for _, fact := range card.Facts {
			n += len(fact.Name) + len(fact.Text)
		}
	}
	return n
}

// Only the first message that told of an incident alone may give way to its end.
func TestEndings(t *testing.T) {
	all := notifiertest.Gathered()[1] // two ends
	all.Own = notifiers.Words{Text: "own words about both"}
	all.Items[0].Thread = notifiers.Thread{First: notifiers.Receipt{Thread: "first"}, Alone: true}
	all.Items[1].Thread = notifiers.Thread{First: notifiers.Receipt{Thread: "shared"}}
	endings := all.Endings()
	if len(endings) != 1 || len(endings[0].Items) != 1 || endings[0].Previous.Thread != "first" || endings[0].Own.Text != "" {
		t.Errorf("got %+v", endings)
	}
	if opened := notifiertest.Message("k"); opened.Endings() != nil {
		t.Error("an opening has ended")
	}
	all.Items = all.Items[:1]
	if endings = all.Endings(); len(endings) != 1 || endings[0].Own.Text == "" {
		t.Errorf("one that ended alone: %+v", endings)
	}
}
