package hclfile

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/source"
)

// A saved configuration has no secrets in it: every text that is written in the
// files and becomes part of one is replaced by a call of this function, which
// only restored configurations have.
const withheldCall = "withheld()"

// A withholder finds what must not be saved. It follows, from each attribute that
// may hold a secret, where its value comes from: the expression itself, locals,
// the elements of dynamic blocks. What it cannot follow exactly it takes whole.
//
// A domain may be part of a webhook's URL and of all hostnames. So it then follows
// all other attributes, whose values are shown in many places, and spares what is
// part of one of these; here it leaves out what it cannot follow exactly.
type withholder struct {
	locals   map[string]hcl.Expression
	edits    map[string]map[int]edit // by file and place
	seen     map[string]bool         // what was followed
	paths    map[string]int          // how many ways into a local
	inside   int                     // how deep in locals and collections
	shared   bool                    // something was found there
	suspects map[string][]byteSpan   // by file: names without a meaning
	sparing  bool                    // attributes that hold no secrets are followed

	named    map[string]bool // files whose content becomes part of a secret
	anyNamed bool            // so does that of files which cannot be told
	inText   bool            // something was found in the JSON text at hand
}

// An edit replaces a piece of a file.
type edit struct {
	byteSpan
	text string
}

// withheld gives the files without what may be a secret, and without comments,
// which nobody reads there and may hold an old one.
func withheld(files []source.File) ([]source.File, *withholder) {
	w := &withholder{
		locals: map[string]hcl.Expression{}, edits: map[string]map[int]edit{}, named: map[string]bool{},
		seen: map[string]bool{}, paths: map[string]int{}, suspects: map[string][]byteSpan{},
	}
	var bodies []hcl.Body
	for _, p := range parseAll(having(files, secretWords)) {
		if p.body != nil {
			bodies = append(bodies, p.body)
			w.collectLocals(p.body)
		}
	}
	for _, body := range bodies {
		w.body(body, rootBlock, nil)
	}
	for name, expr := range w.locals {
		w.unused(name, expr)
	}
	if w.shared {
		w.spare(files)
	}
	out := make([]source.File, len(files))
	for i, f := range files {
		out[i] = source.File{Name: f.Name, Text: apply(f.Text, slices.AppendSeq(comments(f), maps.Values(w.edits[f.Name])))}
	}
	return out, w
}

// secretParts gives a function that reports whether something at a place of the
// files is used for a secret, or is called one. The files are looked through when
// it is first asked, which is when something is wrong.
func secretParts(s *source.Snapshot) func(hcl.Range) bool {
	var found *withholder
	return func(at hcl.Range) bool {
		if found == nil {
			_, found = withheld(s.Files())
		}
		here := byteSpan{at.Start.Byte, at.End.Byte}
		for _, e := range found.edits[at.Filename] {
			if e.overlaps([]byteSpan{here}) {
				return true
			}
		}
		return here.overlaps(found.suspects[at.Filename])
	}
}

// spare takes back what is part of an attribute whose value is shown.
func (w *withholder) spare(files []source.File) {
	w.sparing, w.seen, w.paths = true, map[string]bool{}, map[string]int{}
	for _, p := range parseAll(having(files, []string{"local", "dynamic"})) {
		if p.body != nil {
			w.body(p.body, rootBlock, nil)
		}
	}
}

// having gives the files that may have one of some words in them, which spares
// the others the parser: there may be thousands, with nothing but checks. A word
// with an escape in it cannot be seen.
func having(files []source.File, words []string) []source.File {
	words = append([]string{`\u`, `\U`}, words...)
	return slices.DeleteFunc(slices.Clone(files), func(f source.File) bool {
		has := func(word string) bool { return bytes.Contains(f.Text, []byte(word)) }
		return !strings.HasSuffix(f.Name, ".json") && !slices.ContainsFunc(words, has)
	})
}

// secretWords begin the blocks that have attributes for secrets, and those that
// such attributes may refer to; secretNames are these attributes.
var secretWords, secretNames = func() (words, names []string) {
	words = append(words, localsBlock.name)
	for _, b := range everyBlock(rootBlock) {
		for _, variant := range b.kinds() {
			for _, a := range variant.attributes {
				if a.secret {
					words, names = append(words, b.name), append(names, a.name)
				}
			}
		}
	}
	return slices.Compact(words), names
}()

func (w *withholder) collectLocals(body hcl.Body) {
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: localsBlock.name}}})
	for _, b := range content.Blocks {
		attributes, _ := b.Body.JustAttributes()
		for name, a := range attributes {
			w.locals[name] = a.Expr
		}
	}
}

// unused looks for what is called a secret in a local, whether or not anything
// uses it.
func (w *withholder) unused(name string, expr hcl.Expression) {
	if calledSecret.MatchString(name) {
		defer w.share()()
		w.expression(expr, want{}, nil)
		return
	}
	pairs, _ := hcl.ExprMap(expr)
	for _, pair := range pairs {
		w.unused(stepOf(pair.Key), pair.Value)
	}
	elements, _ := hcl.ExprList(expr)
	for _, element := range elements {
		w.unused("", element)
	}
}

var calledSecret = regexp.MustCompile(`(?i)(password|secret|token)s?$`)

// body looks for secrets in a block, and in the blocks in it.
func (w *withholder) body(body hcl.Body, b *blockType, names *binding) {
	schema := &hcl.BodySchema{
		Attributes: b.schema.Attributes,
		Blocks:     append([]hcl.BlockHeaderSchema{{Type: "dynamic", LabelNames: []string{"type"}}}, b.schema.Blocks...),
	}
	content, _, _ := body.PartialContent(schema)
	for name, a := range content.Attributes {
		if described, _ := b.attribute(name); described.secret && !w.sparing {
			w.expression(a.Expr, want{direct: true}, names)
		}
		if w.sparing && !slices.Contains(secretNames, name) {
			w.expression(a.Expr, want{}, names)
		}
	}
	for _, inner := range content.Blocks {
		if inner.Type == "dynamic" {
			w.dynamic(inner, b, names)
		} else if t := b.block(inner.Type); t != nil {
			w.variants(inner.Body, t, names)
		}
	}
}

// variants looks into a block for every kind of notifier it could be for.
func (w *withholder) variants(body hcl.Body, b *blockType, names *binding) {
	for _, t := range b.kinds() {
		w.body(body, t, names)
	}
}

// dynamic looks into the content of a dynamic block, where another name has a
// meaning.
func (w *withholder) dynamic(block *hcl.Block, in *blockType, names *binding) {
	t := in.block(block.Labels[0])
	if t == nil {
		return
	}
	content, _, _ := block.Body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "for_each"}, {Name: "iterator"}, {Name: "labels"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	})
	element := &binding{name: block.Labels[0], scope: names, outer: names, isElement: true}
	if each := content.Attributes["for_each"]; each != nil {
		element.from = each.Expr
	}
	if iterator := content.Attributes["iterator"]; iterator != nil {
		element.name = hcl.ExprAsKeyword(iterator.Expr)
	}
	if labels := content.Attributes["labels"]; labels != nil && w.sparing {
		w.expression(labels.Expr, want{}, element)
	}
	for _, inner := range content.Blocks {
		w.variants(inner.Body, t, element)
	}
}

// comments are cut out, line ends stay: places in messages remain true.
func comments(f source.File) []edit {
	if strings.HasSuffix(f.Name, ".json") {
		return jsonComments(f.Text)
	}
	if !bytes.Contains(f.Text, []byte("#")) && !bytes.Contains(f.Text, []byte("//")) && !bytes.Contains(f.Text, []byte("/*")) {
		return nil
	}
	return nativeComments(f)
}

// apply makes the edits, which do not overlap.
func apply(text []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return text
	}
	slices.SortFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, e := range edits {
		if e.from < at {
			continue // the same, found twice
		}
		out.Write(text[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(text[at:])
	return out.Bytes()
}
