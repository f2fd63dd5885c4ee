package hclfile

import (
	"strings"
	"testing"
)

// The two halves of one key, as nk -gen user makes them.
const (
	publicHalf = "UBUL3NUVSGO5Z6TFL7JJPM6GGBANZ6JAEHXKPLNYYYVEGKIHHCYYWL2I"
	seedHalf   = "SUAGRPNWSWIZ3XH2MVP5FF5TYYYEBXHZEAQ65J5NXDDCUQZJA44LDC55CM"
	// The public half of a key of an account, which is no user's.
	ofAccount = "ACNPEEJSTMX4QLS672IGAYWHGAECQGNSH7UDSS6EGXQLDPYELDVVJX5S"
)

func TestNKeys(t *testing.T) {
	if !isPublicNKey(publicHalf) || isNKeySeed(publicHalf) {
		t.Error("the public half is not known as what it is")
	}
	if !isNKeySeed(seedHalf) || isPublicNKey(seedHalf) {
		t.Error("the seed is not known as what it is")
	}
	for _, text := range []string{
		"", "U", ofAccount, strings.ToLower(publicHalf), publicHalf + "A", publicHalf[1:], publicHalf + "=", " " + publicHalf, publicHalf + "\n",
	} {
		if isPublicNKey(text) || isNKeySeed(text) {
			t.Errorf("%q passes for a key of a user", text)
		}
	}
}

// TestNKeyWithTypingErrors changes one letter after the other, which the checksum finds.
func TestNKeyWithTypingErrors(t *testing.T) {
	for _, key := range []string{publicHalf, seedHalf} {
		for i := range key {
			for _, letter := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" {
				wrong := key[:i] + string(letter) + key[i+1:]
				if wrong != key && (isPublicNKey(wrong) || isNKeySeed(wrong)) {
					t.Fatalf("%s passes for a key", wrong)
				}
			}
		}
	}
}

// FuzzNKey holds that no text is both halves, and that what passes has the form of one.
func FuzzNKey(f *testing.F) {
	for _, text := range []string{publicHalf, seedHalf, ofAccount, "", "SU", "U========"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		public, seed := isPublicNKey(text), isNKeySeed(text)
		switch {
		case public && seed:
			t.Fatalf("%q is both halves", text)
		case public && (len(text) != 56 || text[0] != 'U'):
			t.Fatalf("%q passes for a public half", text)
		case seed && (len(text) != 58 || !strings.HasPrefix(text, "SU")):
			t.Fatalf("%q passes for a seed", text)
		}
	})
}
