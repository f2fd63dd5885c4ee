package hclfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/imapvigil/imapvigil/config/source"
)

// A Language describes what can be written, for editors and manuals. It is
// made from the tables that the loader uses. Its JSON keys are an interface.
type Language struct {
	Blocks    []BlockDoc    `json:"blocks"`
	Functions []FunctionDoc `json:"functions"`
	Reserved  []string      `json:"reserved"`
}

// A BlockDoc describes a block. Where a block is different for each kind of
// notifier, there is one BlockDoc for each kind.
type BlockDoc struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind,omitempty"` // of notifier
	Labels     []string       `json:"labels"`
	In         []string       `json:"in"` // the blocks it stands in; "" is the top level
	Once       bool           `json:"once"`
	InEffect   bool           `json:"in_effect"` // always; there were versions that only read some
	Doc        string         `json:"doc"`
	Attributes []AttributeDoc `json:"attributes"`
	Blocks     []string       `json:"blocks"`
}

// An AttributeDoc describes an attribute.
type AttributeDoc struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	Values    []string `json:"values,omitempty"` // where only these are possible
	Bounds    string   `json:"bounds,omitempty"`
	Default   string   `json:"default,omitempty"`
	Required  bool     `json:"required"`
	Sensitive bool     `json:"sensitive"` // may hold what credential gives
	Inherited bool     `json:"inherited"` // may stand in defaults
	InEffect  bool     `json:"in_effect"` // always, as of a block
	Doc       string   `json:"doc"`
}

// A FunctionDoc describes a function.
type FunctionDoc struct {
	Name      string `json:"name"`
	Signature string `json:"signature"`
	Sensitive bool   `json:"sensitive"` // may be given what credential gives
	Doc       string `json:"doc"`
}

// Schema returns the description of the language.
func Schema() Language {
	var lang Language
	for _, b := range everyBlock(rootBlock) {
		switch {
		case b == rootBlock:
		case len(b.variants) > 0:
			for _, v := range b.variants {
				lang.Blocks = append(lang.Blocks, describeType(v, parentsOf(b)))
			}
		default:
			lang.Blocks = append(lang.Blocks, describeType(b, parentsOf(b)))
		}
	}
	lang.Functions = describeFunctions()
	lang.Reserved = slices.Sorted(slices.Values(slices.Concat(reservedWords, reservedBlocks)))
	return lang
}

func parentsOf(b *blockType) []string {
	parents := slices.DeleteFunc(everyBlock(rootBlock), func(p *blockType) bool { return !slices.Contains(p.blocks, b) })
	return mapped(parents, func(p *blockType) string { return p.name })
}

func describeType(b *blockType, in []string) BlockDoc {
	doc := BlockDoc{
		Name: b.name, Kind: b.variant, Labels: append([]string{}, b.labels...), In: in,
		Once: b.once, InEffect: true, Doc: b.doc + ".",
		Attributes: []AttributeDoc{}, Blocks: append([]string{}, b.blockNames()...),
	}
	inherited := b == imapCheckBlock || b == defaultsBlock || slices.Contains(defaultsBlock.blocks, b)
	for _, a := range b.attributes {
		attr := AttributeDoc{
			Name: a.name, Type: a.kind.name, Values: a.kind.values, Bounds: a.kind.bounds, Default: a.fallback,
			Required: a.required, Sensitive: a.secret, InEffect: true, Doc: a.doc + ".",
		}
		if inherited {
			_, shared := defaultsBlock.attribute(a.name)
			attr.Inherited = shared || b != imapCheckBlock
		}
		doc.Attributes = append(doc.Attributes, attr)
	}
	return doc
}

func describeFunctions() []FunctionDoc {
	all := (&reader{snapshot: &source.Snapshot{}}).functionsIn("")
	var docs []FunctionDoc
	for _, name := range slices.Sorted(maps.Keys(all)) {
		_, sensitive := passSecrets[name]
		docs = append(docs, FunctionDoc{
			Name: name, Signature: name + "(" + signature(all[name]) + ")", Sensitive: sensitive,
			Doc: cmp.Or(ownDocs[name], all[name].Description()),
		})
	}
	return docs
}

func signature(f function.Function) string {
	var params []string
	for _, p := range f.Params() {
		params = append(params, p.Name+" "+typeName(p.Type))
	}
	if p := f.VarParam(); p != nil {
		params = append(params, p.Name+"... "+typeName(p.Type))
	}
	return strings.Join(params, ", ")
}

func typeName(ty cty.Type) string {
	switch {
	case ty.HasDynamicTypes():
		return "any"
	case ty.IsCapsuleType():
		return "expression"
	}
	return ty.FriendlyName()
}

// ownDocs are the sentences for functions that come without one.
var ownDocs = map[string]string{
	"base64decode": "The string that a base64 string encodes.",
	"base64encode": "The base64 form of a string.",
	"can":          "Whether an expression has a value.",
	"credential":   "The secret in $CREDENTIALS_DIRECTORY/name, else in the file credentials/name beside the configuration.",
	"env":          "The value of an environment variable, which must exist.",
	"file":         "The content of a file; a relative path starts at the directory of the file in which it is written.",
	"try":          "The value of the first of its expressions that has one.",
	"yamldecode":   "The value that a YAML document encodes.",
}
