package hclfile

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// The parser and the evaluation of what it makes are recursive, and in Go a
// stack that overflows takes the whole process with it. So what is nested
// beyond reason is refused before it is parsed.
const (
	// harmless is the size up to which a file cannot nest deeply enough to
	// overflow a stack of 1 GB, whatever is in it.
	harmless = 64 << 10
	// maxDepthOfExpression bounds open brackets, and operators that wait for
	// what is in them.
	maxDepthOfExpression = 10_000
	nestingAdvice        = "Brackets, blocks and operators are nested more than 10,000 deep here, which no configuration needs."
)

// operators are the characters that a parser goes deeper for.
const operators = "([{!-+*/%?<>&|"

// tooDeep returns the place where a file goes too deep; false where it does not.
func tooDeep(f source.File) (hcl.Range, bool) {
	switch {
	case len(f.Text) <= harmless:
		return hcl.Range{}, false
	case strings.HasSuffix(f.Name, ".json"):
		return jsonTooDeep(f)
	case countAny(f.Text, operators)+bytes.Count(f.Text, []byte("==")) <= maxDepthOfExpression:
		return hcl.Range{}, false
	}
	// Only for the few large files that have many operators: a lexer takes time, and does
	// not recurse.
	tokens, _ := hclsyntax.LexConfig(f.Text, f.Name, hcl.InitialPos)
	d := depth{open: []bracket{{lines: true}}}
	for _, t := range tokens {
		if d.step(t.Type); d.total > maxDepthOfExpression {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}

// depth counts, token by token, how deep a parser goes: for each open bracket
// the operators before it.
type depth struct {
	open  []bracket
	total int // the operators of all of them
}

type bracket struct {
	outside int  // the operators that wait for what is in it
	lines   bool // a line end is a separator
}

func (d *depth) step(t hclsyntax.TokenType) {
	last := len(d.open) - 1
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		d.total++
		d.open = append(d.open, bracket{d.total, t == hclsyntax.TokenOBrace})
	case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
		d.open = append(d.open, bracket{d.total, false})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		if last > 0 {
			d.total, d.open = d.open[last].outside, d.open[:last]
		}
	case hclsyntax.TokenComma, hclsyntax.TokenEqual: // a new expression begins
		d.total = d.open[last].outside
	case hclsyntax.TokenNewline:
		if d.open[last].lines {
			d.total = d.open[last].outside
		}
	case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenPlus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent,
		hclsyntax.TokenQuestion, hclsyntax.TokenAnd, hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual,
		hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq, hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq:
		d.total++
	}
}

// jsonTooDeep is tooDeep for JSON, whose texts are templates, with operators of their
// own.
func jsonTooDeep(f source.File) (hcl.Range, bool) {
	depth, inText := 0, 0
	for i := 0; i < len(f.Text); i++ {
		switch c := f.Text[i]; c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := diagnose.StringEnd(f.Text, i)
			inText = countAny(f.Text[i:end], operators) // at most this deep
			i = end - 1
		}
		if depth > maxDepthOfExpression || inText > maxDepthOfExpression {
			pos := positionOf(f.Text, i)
			return hcl.Range{Filename: f.Name, Start: pos, End: pos}, true
		}
	}
	return hcl.Range{}, false
}

func countAny(text []byte, chars string) (n int) {
	for i := range len(chars) {
		n += bytes.Count(text, []byte(chars[i:i+1]))
	}
	return n
}
