package hclfile

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/imapvigil/imapvigil/config/mdoc"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

//go:embed guides.tmpl
var guidesText string

// Guides writes the page imapvigil-notifiers(7) in mdoc(7): what each kind of notifier can do,
// and how it is set up, as its package says.
func Guides(w io.Writer, date time.Time) error {
	page, err := template.New("guides").Funcs(template.FuncMap{
		"text":    mdoc.Text,
		"trim":    strings.TrimSpace,
		"spaced":  beginsSpaced,
		"yes":     func(can bool) string { return map[bool]string{true: "yes", false: `\-`}[can] },
		"readers": func(people bool) string { return map[bool]string{true: "people", false: "programs"}[people] },
	}).Parse(guidesText)
	if err != nil {
		return fmt.Errorf("reading the guides: %w", err)
	}
	var text strings.Builder
	err = page.Execute(&text, struct {
		Kinds         []guide
		Date          string
		MaxItems      int
		Message, Item []wording.Field
	}{mapped(inOrderOfPage(), newGuide), date.UTC().Format("January 2, 2006"), wording.MaxItems, wording.MessageFields(), wording.ItemFields()})
	if err != nil {
		return fmt.Errorf("filling the guides: %w", err)
	}
	_, err = io.WriteString(w, mdoc.Lines(text.String()))
	return err
}

// inOrderOfPage returns the kinds in an order in which one finds them: those that people read first, each
// by name.
func inOrderOfPage() []notifiers.Channel {
	kinds := slices.Clone(available)
	slices.SortFunc(kinds, func(a, b notifiers.Channel) int {
		if a.People != b.People {
			return map[bool]int{true: -1, false: 1}[a.People]
		}
		return cmp.Compare(a.Kind, b.Kind)
	})
	return kinds
}

// beginsSpaced reports whether a guide begins with a list that has a blank line before it, so that it
// needs no paragraph.
func beginsSpaced(guide string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(guide), "\n")
	return strings.HasPrefix(first, ".Bl ") && !strings.Contains(first, "-compact")
}

// A guide is what the page says of a kind of notifier.
type guide struct {
	notifiers.Channel
	Notifier, Notify []AttributeDoc // the attributes that only this kind has
}

func newGuide(c notifiers.Channel) guide {
	of := channelOf(string(c.Kind))
	only := func(b *blockType, rows []notifiers.Attribute) (list []AttributeDoc) {
		names := mapped(rows, func(a notifiers.Attribute) string { return a.Name })
		for _, a := range describeType(b, nil).Attributes {
			for _, name := range names {
				if a.Name == name {
					list = append(list, a)
				}
			}
		}
		return list
	}
	return guide{c, only(of.notifier, c.Attributes), only(of.notify, c.NotifyAttributes)}
}

// NotifierKinds returns the kinds of notifiers that can be written, in the order of the page.
func NotifierKinds() []string {
	return mapped(inOrderOfPage(), func(c notifiers.Channel) string { return string(c.Kind) })
}
