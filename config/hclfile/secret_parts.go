package hclfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// Where a secret may be written is always a range of one file: the expression of an
// attribute that the table of its block marks. One that comes from a local or a
// for_each is refused (refuseElsewhere), so nothing has to be followed.

// A secretPart is an expression in which a secret may be written.
type secretPart struct {
	hcl.Expression
	each []hcl.Expression // the for_each of the dynamic blocks around it
}

// A partFinder finds the expressions of files in which a secret may be written.
type partFinder struct {
	parts  []secretPart            // those, and the locals that are called a secret
	locals map[string][]secretPart // all locals, by name
}

func secretParts(language *blockType, bodies ...hcl.Body) partFinder {
	f := partFinder{locals: map[string][]secretPart{}}
	for _, body := range bodies {
		f.block(body, language, nil)
	}
	return f
}

func (f *partFinder) block(body hcl.Body, b *blockType, each []hcl.Expression) {
	schema := &hcl.BodySchema{
		Attributes: b.schema.Attributes,
		Blocks:     append([]hcl.BlockHeaderSchema{{Type: "dynamic", LabelNames: []string{"type"}}}, b.schema.Blocks...),
	}
	content, _, _ := body.PartialContent(schema)
	for name, a := range content.Attributes {
		if described, _ := b.attribute(name); described.secret {
			f.parts = append(f.parts, secretPart{a.Expr, each})
		}
	}
	for _, inner := range content.Blocks {
		switch inner.Type {
		case "dynamic":
			f.dynamic(inner, b, each)
		case localsBlock.name:
			attributes, _ := inner.Body.JustAttributes()
			for name, a := range attributes {
				f.locals[name] = append(f.locals[name], secretPart{Expression: a.Expr})
				f.local(name, a.Expr)
			}
		default:
			f.kinds(inner.Body, b.block(inner.Type), each)
		}
	}
}

// kinds looks into a block for every kind of notifier that it could be for.
func (f *partFinder) kinds(body hcl.Body, b *blockType, each []hcl.Expression) {
	for _, kind := range b.kinds() {
		f.block(body, kind, each)
	}
}

func (f *partFinder) dynamic(block *hcl.Block, in *blockType, each []hcl.Expression) {
	made := in.block(block.Labels[0])
	if made == nil {
		return
	}
	content, _, _ := block.Body.PartialContent(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "for_each"}},
		Blocks:     []hcl.BlockHeaderSchema{{Type: "content"}},
	})
	if forEach := content.Attributes["for_each"]; forEach != nil {
		each = append(slices.Clip(each), forEach.Expr) // blocks beside this one have their own
	}
	for _, inner := range content.Blocks {
		f.kinds(inner.Body, made, each)
	}
}

// local looks in a local, and in the objects and lists in it, for what is called a
// secret, whether or not anything uses it.
func (f *partFinder) local(name string, expr hcl.Expression) {
	if diagnose.CalledSecret.MatchString(name) {
		f.parts = append(f.parts, secretPart{Expression: expr})
		return
	}
	pairs, _ := hcl.ExprMap(expr)
	for _, pair := range pairs {
		key, _ := pair.Key.Value(diagnose.NothingKnown)
		if isText(key) {
			f.local(key.AsString(), pair.Value)
		}
	}
	elements, _ := hcl.ExprList(expr)
	for _, element := range elements {
		f.local("", element)
	}
}

// vocabulary is what excerpts have to know of the language.
var vocabulary = func() *diagnose.Vocabulary {
	v := &diagnose.Vocabulary{
		Blocks: []string{"notifier", "login", "oidc", "cluster", "node"},
		Names:  []string{"dynamic", "content", "for_each", "labels", "iterator"},
		Known:  map[string]bool{"local": true, "credential": true, "file": true, "withheld": true},
	}
	for _, b := range everyBlock(rootBlock) {
		v.Names = append(v.Names, b.name)
		for _, variant := range b.kinds() {
			for _, a := range variant.attributes {
				v.Names = append(v.Names, a.name)
				switch {
				case a.secret:
					v.Secrets = append(v.Secrets, a.name)
				case slices.Contains(v.Blocks, b.name):
					v.Harmless = append(v.Harmless, a.name)
				}
			}
		}
	}
	for name := range plainFunctions {
		v.Known[name] = true
	}
	for _, root := range referenceRoots {
		v.Known[root] = true
	}
	slices.Sort(v.Names)
	slices.Sort(v.Secrets)
	v.Names, v.Secrets = slices.Compact(v.Names), slices.Compact(v.Secrets)
	return v
}()

// mayHaveSecrets reports whether a file may have an attribute for secrets, or locals. It
// spares the others the parser: there may be thousands, with nothing but checks.
func mayHaveSecrets(f source.File) bool {
	has := func(name string) bool { return bytes.Contains(f.Text, []byte(name)) }
	// In JSON a name can be written with escapes.
	return strings.HasSuffix(f.Name, ".json") || has(localsBlock.name) || slices.ContainsFunc(vocabulary.Secrets, has)
}

// secretRanges returns, by file, the expressions in which a secret may be written, and
// those of locals and for_each that they mention, directly or by way of others. Where a
// mistake is in one of these, what it holds may have been meant as a secret.
func secretRanges(bodies []hcl.Body, language *blockType) map[string][]diagnose.Span {
	all := secretParts(language, bodies...)
	waiting := all.parts
	found, seen := map[string][]diagnose.Span{}, map[hcl.Range]bool{}
	for len(waiting) > 0 {
		part := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		at := part.Range()
		// Locals may need each other in a circle, which is reported elsewhere.
		if seen[at] {
			continue
		}
		seen[at] = true
		found[at.Filename] = append(found[at.Filename], diagnose.SpanOf(at))
		for _, t := range part.Variables() {
			// The rest of the path leads into the value, all of which is masked.
			names, _ := steps(t[:min(2, len(t))])
			switch {
			case t.RootName() == "local" && len(names) == 1:
				waiting = append(waiting, all.locals[names[0]]...)
			case t.RootName() == "local": // which one is known only when it is evaluated
				for _, named := range all.locals {
					waiting = append(waiting, named...)
				}
			default: // the element of a dynamic block, where it stands in one
				for _, each := range part.each {
					waiting = append(waiting, secretPart{Expression: each})
				}
			}
		}
	}
	return found
}

// secretPlaces are where a secret may be written in the files of a Snapshot.
type secretPlaces struct {
	snapshot *source.Snapshot
	language *blockType
	parsed   map[string]parsed          // by name
	ranges   map[string][]diagnose.Span // by file, once they were needed
}

// masked returns a file for excerpts, with what may be a secret in it; false where it is
// none of the files.
func (p *secretPlaces) masked(name string) (text []byte, found []diagnose.Span, ok bool) {
	text, ok = p.snapshot.Text(name)
	body := p.parsed[name].body
	if p.parsed[name].diags.HasErrors() {
		body = nil // what the parser made of it is not to be relied on
	}
	return text, vocabulary.Masks(source.File{Name: name, Text: text}, body, p.all()[name]), ok
}

// contains reports whether a place is in an expression for a secret, or in one
// that it mentions.
func (p *secretPlaces) contains(at hcl.Range) bool {
	return diagnose.SpanOf(at).Overlaps(p.all()[at.Filename])
}

// all returns the places by file. They are looked for only when something is wrong.
func (p *secretPlaces) all() map[string][]diagnose.Span {
	if p.ranges == nil {
		var bodies []hcl.Body
		for _, file := range p.parsed {
			if file.body != nil && mayHaveSecrets(file.File) {
				bodies = append(bodies, file.body)
			}
		}
		p.ranges = secretRanges(bodies, p.language)
	}
	return p.ranges
}
