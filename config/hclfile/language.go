package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// An attribute is one line of the language's tables: what the loader checks,
// what the schema describes and what the manual says.
type attribute struct {
	name     string
	kind     kind
	fallback string // the default, as the manual writes it; empty: none
	doc      string // one or more sentences, without the last full stop
	required bool
	secret   bool // may hold what credential gives
}

// A row is an attribute and where its value goes.
type row[T any] struct {
	attribute
	set func(*T, value)
}

// A table is the attributes of a block.
type table[T any] []row[T]

// newRow returns an attribute that need not be written, and that holds no
// secret unless a trait says otherwise. set puts its value where it goes.
func newRow[T any](name string, kind kind, fallback, doc string, set func(*T, value), traits ...func(*attribute)) row[T] {
	a := attribute{name: name, kind: kind, fallback: fallback, doc: doc}
	for _, have := range traits {
		have(&a)
	}
	return row[T]{a, set}
}

func required(a *attribute)      { a.required = true }
func mayHoldSecret(a *attribute) { a.secret = true }

func (t table[T]) attributes() []attribute {
	return mapped(t, func(r row[T]) attribute { return r.attribute })
}

// A blockType is what may stand in a block, and what the block is called.
type blockType struct {
	name       string
	labels     []string
	doc        string
	once       bool         // at most one where it may stand
	variant    string       // the kind of notifier that it is for
	variants   []*blockType // by kind of notifier
	attributes []attribute
	blocks     []*blockType

	schema *hcl.BodySchema
}

// define returns a blockType that is ready for use; attribute lists are joined in order.
func define(b blockType, attributes ...[]attribute) *blockType {
	b.attributes = slices.Concat(attributes...)
	b.schema = &hcl.BodySchema{}
	for _, a := range b.attributes {
		b.schema.Attributes = append(b.schema.Attributes, hcl.AttributeSchema{Name: a.name})
	}
	for _, inner := range b.blocks {
		b.schema.Blocks = append(b.schema.Blocks, hcl.BlockHeaderSchema{Type: inner.name, LabelNames: inner.labels})
	}
	return &b
}

func (b *blockType) attributeNames() []string {
	return mapped(b.attributes, func(a attribute) string { return a.name })
}

func (b *blockType) blockNames() []string {
	return mapped(b.blocks, func(inner *blockType) string { return inner.name })
}

func (b *blockType) block(name string) *blockType {
	for _, inner := range b.blocks {
		if inner.name == name {
			return inner
		}
	}
	return nil
}

func (b *blockType) attribute(name string) (attribute, bool) {
	for _, a := range b.attributes {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

// header returns how the block is begun: server "name" { ... }
func (b *blockType) header() string {
	return blockNamed(b.name, b.labels) + " { ... }"
}

// kinds returns the block types that a block of this name can be.
func (b *blockType) kinds() []*blockType { return append(slices.Clip(b.variants), b) }

// everyBlock returns the block types of the language, each once.
func everyBlock(b *blockType) []*blockType {
	seen := map[*blockType]bool{}
	var list []*blockType
	var visit func(*blockType)
	visit = func(b *blockType) {
		if seen[b] { // a group may stand in a group
			return
		}
		seen[b] = true
		list = append(list, b)
		for _, inner := range b.blocks {
			visit(inner)
		}
	}
	visit(b)
	return list
}

// reservedWords are kept for later versions, as blocks and as attributes.
var reservedWords = []string{"round_trip", "storage", "idle", "quota", "mailbox_age", "via_proxy", "source_address", "interface"}

// reservedBlocks are kept as blocks only: as an attribute somebody means one of today by them.
var reservedBlocks = []string{"sender", "domain"}

func isReserved(name string, says diagnose.Meaning) bool {
	switch says {
	case diagnose.UnknownBlock:
		return slices.Contains(reservedWords, name) || slices.Contains(reservedBlocks, name)
	case diagnose.UnknownAttribute:
		return slices.Contains(reservedWords, name)
	}
	return false
}
