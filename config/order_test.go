package config_test

import (
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

func TestNaturalOrder(t *testing.T) {
	want := []config.CheckID{"", "1and1", "10", "a", "c", "c01", "c1", "c2", "c2/x", "c10", "c10/a2", "c10/a10", "mx"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, config.NaturalOrder)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzNaturalOrder holds it to what a sort needs: equal only to itself, and opposite the
// other way round.
func FuzzNaturalOrder(f *testing.F) {
	f.Add("c2", "c10")
	f.Add("c01", "c1")
	f.Fuzz(func(t *testing.T, a, b string) {
		order := config.NaturalOrder(a, b)
		if order != -config.NaturalOrder(b, a) || (order == 0) != (a == b) {
			t.Errorf("%q and %q: %d and %d", a, b, order, config.NaturalOrder(b, a))
		}
	})
}
