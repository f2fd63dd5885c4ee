package pages

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// What is read has a contrast of at least 4.5 to what is behind it, what is only looked at
// one of 3 (WCAG 2.2, 1.4.3 and 1.4.11), in the light and in the dark.
func TestContrastOfColours(t *testing.T) {
	t.Parallel()
	grounds := []string{"bg", "card", "sunk"}
	read := []string{"ink", "soft", "accent", "ok", "down", "degraded", "unknown", "maintenance"}
	looked := []string{"bar-ok", "bar-down", "bar-degraded", "bar-unknown", "bar-maintenance", "edge"}
	for scheme, colours := range coloursOf(t) {
		hold := func(ink, ground string, least float64) {
			if got := contrast(t, colours[ink], colours[ground]); got < least {
				t.Errorf("%s: --%s on --%s has a contrast of %.2f, and needs %.1f", scheme, ink, ground, got, least)
			}
		}
		for _, ground := range grounds {
			for _, ink := range read {
				hold(ink, ground, 4.5)
			}
		}
		for _, ink := range looked {
			hold(ink, "card", 3)
		}
		hold("on-accent", "accent", 4.5)
		for _, tint := range []string{"tint-down", "tint-degraded"} {
			hold("ink", tint, 4.5)
			hold("soft", tint, 4.5)
			hold("down", tint, 4.5)
			hold("degraded", tint, 4.5)
		}
	}
}

// coloursOf reads the colours of both schemes from the style sheet.
func coloursOf(t *testing.T) map[string]map[string]string {
	t.Helper()
	sheet, err := os.ReadFile("assets/page.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{\s*(?:color-scheme[^\n]*\n)?(.*?)\n\s*\}`).FindAllSubmatch(sheet, 2)
	if len(blocks) != 2 {
		t.Fatal("the style sheet does not begin with the colours of two schemes")
	}
	schemes := map[string]map[string]string{}
	for i, name := range []string{"light", "dark"} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllSubmatch(blocks[i][1], -1) {
			colours[string(m[1])] = string(m[2])
		}
		if len(colours) < 20 {
			t.Fatal(name, "has only", len(colours), "colours")
		}
		schemes[name] = colours
	}
	return schemes
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) (sum float64) {
	t.Helper()
	if len(colour) != len("#rrggbb") {
		t.Fatalf("%q is no colour", colour)
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
