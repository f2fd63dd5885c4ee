package pages

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func contains(text, word string) bool { return strings.Contains(text, word) }

// inspectOutline holds what those need who do not see a page: one heading of the first level, no
// level left out, headers of tables with a scope, and a label for each field.
func inspectOutline(t *testing.T, page *html.Node) {
	t.Helper()
	last, firsts := 0, 0
	labels, fields := map[string]bool{}, []string{}
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "h1", "h2", "h3", "h4":
			level := int(n.Data[1] - '0')
			if level == 1 {
				firsts++
			}
			if level > last+1 {
				t.Errorf("a heading of level %d follows one of level %d", level, last)
			}
			last = level
		case "th":
			if attribute(n, "scope") == "" {
				t.Error("a header of a table does not say what it is the header of")
			}
		case "label":
			labels[attribute(n, "for")] = true
		case "input", "select", "textarea":
			if attribute(n, "type") != "hidden" {
				fields = append(fields, attribute(n, "id"))
			}
		}
	}
	if firsts != 1 {
		t.Errorf("there are %d headings of the first level", firsts)
	}
	for _, id := range fields {
		if !labels[id] {
			t.Errorf("the field %q has no label", id)
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
