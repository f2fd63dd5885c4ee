package config

import (
	"cmp"
	"strings"
)

// NaturalOrder compares names as people sort them, for a sort: c2 comes before c10.
func NaturalOrder[T ~string](a, b T) int {
	x, y := string(a), string(b)
	for x != "" && y != "" {
		m, n := leadingNumber(x), leadingNumber(y)
		switch {
		case m != "" && n != "":
			// Of two numbers without zeros in front the longer one is larger.
			p, q := strings.TrimLeft(m, "0"), strings.TrimLeft(n, "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[len(m):], y[len(n):]
		case x[0] != y[0]:
			return cmp.Compare(x[0], y[0])
		default:
			x, y = x[1:], y[1:]
		}
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b)) // c01 and c1 are two names
}

// leadingNumber returns the digits that a text begins with.
func leadingNumber(text string) string {
	return text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
}
