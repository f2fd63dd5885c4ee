package hclfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// TestMutations takes configurations apart into words and puts them together
// wrongly: words go missing, are doubled, exchanged, or come from elsewhere.
func TestMutations(t *testing.T) {
	texts := corpus(t)
	var words []string
	for _, text := range texts {
		words = append(words, split(text)...)
	}
	rapid.Check(t, func(t *rapid.T) {
		mutant := slices.Clone(split(rapid.SampledFrom(texts).Draw(t, "text")))
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			i := rapid.IntRange(0, len(mutant)-1).Draw(t, "at")
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				mutant[i] = ""
			case 1:
				mutant[i] += mutant[i]
			case 2:
				j := rapid.IntRange(0, len(mutant)-1).Draw(t, "with")
				mutant[i], mutant[j] = mutant[j], mutant[i]
			case 3:
				mutant[i] = rapid.SampledFrom(words).Draw(t, "word")
			}
		}
		text := []byte(strings.Join(mutant, ""))
		holds(t, "main.hcl", text)
		remainsHCL(t, "main.hcl", text)
	})
}

func corpus(t *testing.T) []string {
	t.Helper()
	golden, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(golden) == 0 {
		t.Fatal("no golden files", err)
	}
	var texts []string
	for _, name := range golden {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".hcl") && len(file.Data) > 0 {
				texts = append(texts, string(file.Data))
			}
		}
	}
	reference, err := os.ReadFile("../../examples/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return append(texts, string(reference))
}

// split gives the tokens of a text, each with the space before it.
func split(text string) []string {
	tokens, _ := hclsyntax.LexConfig([]byte(text), "main.hcl", hcl.InitialPos)
	var words []string
	from := 0
	for _, token := range tokens {
		words = append(words, text[from:token.Range.End.Byte])
		from = token.Range.End.Byte
	}
	return words
}
