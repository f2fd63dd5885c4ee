package diagnose

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/imapvigil/imapvigil/config/source"
)

// A Vocabulary is the words of a language, as far as they tell what may be a secret.
type Vocabulary struct {
	Secrets  []string        // attributes that may hold one
	Blocks   []string        // blocks with such attributes, in which all quoted text is masked
	Harmless []string        // the other attributes of these blocks
	Names    []string        // of all blocks and attributes
	Known    map[string]bool // what an expression may begin with: functions, local, references
}

// Masks finds what may be a secret in a file, so that no excerpt shows it. ranges are
// those of the file's secret expressions. What a missing quote makes of a file that
// cannot be parsed is not to be relied on, so that is looked at line by line.
func (v *Vocabulary) Masks(f source.File, body hcl.Body, ranges []Span) []Span {
	native, isNative := body.(*hclsyntax.Body) // nil where it cannot be parsed
	switch {
	case strings.HasSuffix(f.Name, ".json"):
		return v.jsonMasks(f.Text, ranges, body == nil)
	case !isNative: // it cannot be parsed: broken files must not leak either
		return v.lineMasks(f.Text)
	}
	// By tokens, since comments are in no syntax tree.
	tokens, _ := hclsyntax.LexConfig(f.Text, f.Name, hcl.InitialPos)
	m := masker{Vocabulary: v, tokens: tokens, levels: make([]masking, len(tokens)), secret: map[string]bool{}}
	for _, r := range ranges {
		m.raiseLevel(r.From, r.To, namedValues)
	}
	m.maskBody(native, false)
	return m.maskedSpans()
}

// masking is what is masked of a token.
type masking int

const (
	nothing     masking = iota
	quotedText          // in a block that has secrets
	namedValues         // all but the names of headers and those of the language
	wholeValue          // all but the names of the language
)

// A masker walks the blocks of a file that can be parsed.
type masker struct {
	*Vocabulary
	tokens hclsyntax.Tokens
	levels []masking // of each token
	// secret tells whether an attribute is called as a secret is: a file has many
	// attributes, and few names.
	secret map[string]bool
}

func (m *masker) maskBody(body *hclsyntax.Body, inSecretBlock bool) {
	for name, a := range body.Attributes {
		level := wholeValue
		switch {
		case name == "headers":
			// In any other secret an object is an error, and its names may be anything.
			level = namedValues
		case m.isSecret(name):
		case !inSecretBlock || slices.Contains(m.Harmless, name):
			_ = hclsyntax.VisitAll(a.Expr, m.maskObject)
			continue
		} // what no block with secrets has may be one, with a typing error
		m.raiseLevel(a.EqualsRange.End.Byte, a.SrcRange.End.Byte, level)
	}
	for _, b := range body.Blocks {
		inside := inSecretBlock || m.isSecretBlock(b.Type) || b.Type == "dynamic" && slices.ContainsFunc(b.Labels, m.isSecretBlock)
		if inside {
			m.raiseLevel(b.OpenBraceRange.Start.Byte, b.CloseBraceRange.End.Byte, quotedText)
		}
		m.maskBody(b.Body, inside)
	}
}

// maskObject masks what is called a secret in an object.
func (m *masker) maskObject(node hclsyntax.Node) hcl.Diagnostics {
	if o, ok := node.(*hclsyntax.ObjectConsExpr); ok {
		for _, item := range o.Items {
			key, _ := item.KeyExpr.Value(NothingKnown)
			if key.Type() == cty.String && key.IsKnown() && !key.IsNull() && m.isSecret(key.AsString()) {
				at := item.ValueExpr.Range()
				m.raiseLevel(at.Start.Byte, at.End.Byte, wholeValue)
			}
		}
	}
	return nil
}

func (m *masker) isSecret(name string) bool {
	is, known := m.secret[name]
	if !known {
		is = m.IsSecretName(name)
		m.secret[name] = is
	}
	return is
}

// raiseLevel raises the level of the tokens in a range, and of a comment behind it.
func (m *masker) raiseLevel(from, to int, level masking) {
	i, _ := slices.BinarySearchFunc(m.tokens, from, func(t hclsyntax.Token, at int) int { return t.Range.Start.Byte - at })
	for ; i < len(m.tokens) && (m.tokens[i].Range.Start.Byte < to || m.tokens[i].Type == hclsyntax.TokenComment); i++ {
		m.levels[i] = max(m.levels[i], level)
	}
}

// maskedSpans returns the tokens that are masked, which depends on what stands before
// them.
func (m *masker) maskedSpans() (found []Span) {
	known := false // the last name that was met is one of the language
	for i, t := range m.tokens {
		if t.Type == hclsyntax.TokenIdent && !m.follows(i, hclsyntax.TokenDot) {
			known = m.Known[string(t.Bytes)]
		}
		hidden := false
		switch level := m.levels[i]; t.Type {
		case hclsyntax.TokenComment: // what was commented out may have been a secret
			hidden = level != nothing || saysPassword.Match(t.Bytes)
		case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
			hidden = level != nothing || m.isGivenToCredential(i) && !source.CredentialName.Match(t.Bytes)
		case hclsyntax.TokenNumberLit:
			hidden = level >= namedValues
		case hclsyntax.TokenIdent:
			isKey := i+1 < len(m.tokens) && m.tokens[i+1].Type == hclsyntax.TokenEqual
			hidden = !known && (level == wholeValue || level == namedValues && !isKey)
		}
		if hidden {
			found = append(found, Span{t.Range.Start.Byte, t.Range.End.Byte})
		}
	}
	return found
}

// isGivenToCredential reports whether a text is the argument of credential: one that is
// no name may be the secret itself.
func (m *masker) isGivenToCredential(i int) bool {
	return m.follows(i, hclsyntax.TokenIdent, hclsyntax.TokenOParen, hclsyntax.TokenOQuote) && string(m.tokens[i-3].Bytes) == "credential"
}

// follows reports whether tokens of some types stand before one.
func (m *masker) follows(i int, types ...hclsyntax.TokenType) bool {
	return i >= len(types) && slices.EqualFunc(m.tokens[i-len(types):i], types, func(t hclsyntax.Token, want hclsyntax.TokenType) bool { return t.Type == want })
}

// isSecretBlock reports whether a block has attributes for secrets, also with a
// typing error in their name.
func (v *Vocabulary) isSecretBlock(word string) bool { return v.isOrMeans(word, v.Blocks) }

// isOrMeans reports whether a word is one of some names, or none of the language
// and near to one of them.
func (v *Vocabulary) isOrMeans(word string, names []string) bool {
	if slices.Contains(names, word) || slices.Contains(v.Names, word) || word == "" {
		return slices.Contains(names, word)
	}
	_, near := Nearest(word, names)
	return near
}

// CalledSecret tells the names of locals, and in objects, that a secret has.
var CalledSecret = regexp.MustCompile(`(?i)(password|secret|token)s?$`)

// NothingKnown is where neither names nor functions have a meaning.
var NothingKnown = &hcl.EvalContext{Functions: map[string]function.Function{}}

// saysPassword tells the comments that may have a secret in them.
var saysPassword = regexp.MustCompile(`(?i)pass|pw|secret|token|key|url|auth`)

// IsSecretName reports whether an attribute holds a secret, also with a typing error in
// its name, or is called as one is.
func (v *Vocabulary) IsSecretName(name string) bool {
	return v.isOrMeans(name, v.Secrets) || CalledSecret.MatchString(name)
}

// jsonMasks is Masks for HCL's JSON form, where keys are block types, labels
// and attributes alike. What is broken is masked as a whole where it has values that
// are used elsewhere.
func (v *Vocabulary) jsonMasks(text []byte, found []Span, broken bool) []Span {
	hasOthers := strings.Contains(string(text), "locals") || strings.Contains(string(text), "for_each")
	open, secretKey := []bool{broken && hasOthers}, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case ' ', '\t', '\r', '\n', ':':
		case '{', '[':
			open = append(open, open[len(open)-1] || secretKey)
			secretKey = secretKey && c == '['
		case '}', ']':
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
			secretKey = false
		case ',':
			secretKey = false
		case '"':
			end := StringEnd(text, i)
			switch {
			case isKey(text, end):
				key := unquoted(text[i:end])
				secretKey = v.isSecretBlock(key) || v.IsSecretName(key) || key == "//"
			case open[len(open)-1] || secretKey:
				found = append(found, Span{i + 1, max(i+1, end-1)})
			}
			i = end - 1
		case '/', '#': // a comment, which JSON does not have
			end := i + strings.IndexByte(string(text[i:])+"\n", '\n')
			found = append(found, Span{i, end})
			i = end - 1
		default: // perhaps a secret without quotes
			end := i + len(text[i:]) - len(bytes.TrimLeftFunc(text[i:], func(r rune) bool { return !strings.ContainsRune(" \t\r\n:{[}],\"/#", r) }))
			if open[len(open)-1] || secretKey {
				found = append(found, Span{i, end})
			}
			i = end - 1
		}
	}
	return found
}

// unquoted returns the text that a JSON string stands for, or what there is of it.
func unquoted(text []byte) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return strings.Trim(string(text), `"`)
}

// StringEnd returns the index after a JSON string, or after what there is of it.
func StringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // what is escaped, which may be a quote
		case '"', '\n': // no string of JSON goes beyond its line
			return i + 1
		}
	}
	return len(text)
}

func isKey(text []byte, end int) bool {
	rest := strings.TrimLeft(string(text[end:min(len(text), end+64)]), " \t\r\n")
	return strings.HasPrefix(rest, ":")
}
