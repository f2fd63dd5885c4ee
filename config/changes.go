package config

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// namedChanges is how many changed checks a summary names, and namedAttributes how
	// many attributes of each.
	namedChanges, namedAttributes = 3, 3
	// longestValue is how many characters of a value a summary shows.
	longestValue = 40
)

// Summary returns what a reload did in one line, as "2 added, 1 changed (mx1/imaps: port
// 993 -> 994), 1 removed". Long lists are shortened to counts.
func (d Diff) Summary() string {
	var parts []string
	add := func(n int, what, names string) {
		if n == 0 {
			return
		}
		if names != "" {
			what += " (" + names + ")"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	add(len(d.Added), "added", "")
	add(len(d.Changed), "changed", d.changeWords())
	add(len(d.Moved), "moved", firstOf(d.Moved, namedChanges, ", ", func(m Move) string { return string(m.From) + " -> " + string(m.To) }))
	add(len(d.Removed), "removed", "")
	if len(d.Elsewhere) > 0 {
		parts = append(parts, "other blocks: "+firstOf(d.Elsewhere, namedChanges, ", ", func(name string) string { return name }))
	}
	if len(parts) == 0 {
		// What differs is a comment, the layout or the order.
		return "no check and no other block changed"
	}
	return strings.Join(parts, ", ")
}

// changeWords returns what changed in the checks: once, where it is the same in all.
func (d Diff) changeWords() string {
	if len(d.Changed) == 0 {
		return ""
	}
	first := d.Changed[0].Attributes
	different := slices.ContainsFunc(d.Changed, func(c Change) bool { return !slices.Equal(c.Attributes, first) })
	if len(d.Changed) > 1 && !different {
		return "all: " + attributeWords(first)
	}
	return firstOf(d.Changed, namedChanges, "; ", func(c Change) string { return string(c.ID) + ": " + attributeWords(c.Attributes) })
}

func attributeWords(list []AttributeChange) string {
	return firstOf(list, namedAttributes, ", ", func(a AttributeChange) string {
		if a.Old == a.New { // as of a secret
			return a.Name
		}
		return a.Name + " " + shortValue(a.Old) + " -> " + shortValue(a.New)
	})
}

// shortValue returns a value as a summary shows it.
func shortValue(value string) string {
	if value == "" {
		return "(none)"
	}
	if runes := []rune(value); len(runes) > longestValue {
		return string(runes[:longestValue-1]) + "…"
	}
	return value
}

// firstOf returns the first items of a list in words, and how many more there are.
func firstOf[T any](list []T, most int, separator string, write func(T) string) string {
	words := make([]string, 0, most)
	for _, item := range list[:min(most, len(list))] {
		words = append(words, write(item))
	}
	text := strings.Join(words, separator)
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
