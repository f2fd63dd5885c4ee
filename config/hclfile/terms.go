package hclfile

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
)

// terms are what holds for the checks below a point of the tree: what defaults
// may say and checks inherit. A level begins as a copy of the level above it.
type terms struct {
	config.Check // of which each level may set a part
	also         []config.RoleID

	// bad are the attributes that have no value because something is wrong with
	// them; what they mean together with others cannot be said.
	bad []string
	// from says where each attribute was written, by its name ("tls.ca_file");
	// one that is not there has the default of the language.
	from origins
}

// An origin is where a value comes from.
type origin struct {
	expr  hcl.Expression
	level *level
}

// A level is one place of the tree that sets terms: the defaults of a group,
// a check.
type level struct {
	what string // "the defaults of group.europe", "imap_check \"imaps\""
	at   hcl.Range
}

// origins are kept as a list: a level sets few attributes, and most copies are
// never written to.
type origins []sourced

// sourced is an attribute and where its value comes from.
type sourced struct {
	name string
	origin
}

func (o origins) of(name string) (origin, bool) {
	// The level that wrote it last is the nearest, which wins.
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return o[i].origin, true
		}
	}
	return origin{}, false
}

const (
	day = 24 * time.Hour
	// unbounded is the longest time that a bound names: ten years.
	unbounded = 3650 * day
)

// An innerTable is a block inside imap_check and defaults.
type innerTable struct {
	block *blockType
	table table[terms]
}

var innerTables = []innerTable{
	{define(blockType{name: "thresholds", once: true, doc: "A phase that takes longer than this makes the check degraded"}, thresholdsTable.attributes()), thresholdsTable},
	{define(blockType{name: "tls", once: true, doc: "How the server's certificate is verified. Verification cannot be skipped"}, tlsTable.attributes()), tlsTable},
	{define(blockType{name: "login", once: true, doc: "An account to log in with. Never on an unencrypted connection"}, loginTable.attributes()), loginTable},
}

var innerBlocks = mapped(innerTables, func(inner innerTable) *blockType { return inner.block })

// overlay writes what one level says over what it inherits.
func (l *loader) overlay(t *terms, content *contents, here *level) bool {
	before := len(t.bad)
	overlayTable(l, t, "", termsTable, content, here)
	t.misread("", content)
	for _, inner := range innerTables {
		var block *hcl.Block
		for _, b := range content.Blocks {
			if b.Type == inner.block.name {
				l.once(&block, b, b.Type)
			}
		}
		if block == nil {
			continue
		}
		innerContent := l.content(block, inner.block, inner.block.name+" block")
		overlayTable(l, t, inner.block.name+".", inner.table, innerContent, here)
		t.misread(inner.block.name+".", innerContent)
	}
	return len(t.bad) == before
}

// misread notes that a block has something in it which may have meant anything.
func (t *terms) misread(prefix string, content *contents) {
	if content.wrong {
		t.bad = append(slices.Clip(t.bad), prefix+"?")
	}
}

// overlayTable writes what one table of a level says over what it inherits, and
// remembers where values come from. The lists are copied before they grow: other levels
// share them.
func overlayTable(l *loader, t *terms, prefix string, rows table[terms], content *contents, here *level) {
	set, failed := decodeEach(l, rows, content, t)
	for _, name := range failed {
		t.bad = append(slices.Clip(t.bad), prefix+name)
	}
	t.from = slices.Clip(t.from)
	for _, name := range set {
		t.from = append(t.from, sourced{prefix + name, origin{content.Attributes[name].Expr, here}})
	}
}

// usable reports whether the attributes that begin with the given words have the values
// that were meant.
func (t *terms) usable(prefixes ...string) bool {
	return !slices.ContainsFunc(t.bad, func(name string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
}

// shown reports whether a message may repeat the values of attributes: they are
// written as they are, or have the default of the language.
func (t *terms) shown(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		o, written := t.from.of(name)
		return written && !literal(o.expr)
	})
}

// salvage leaves out a login that cannot be used, and reports whether the rest
// can: all that the check, and what it inherits from, says.
func (t *terms) salvage() (leftOut, usable bool) {
	isLogin := func(name string) bool { return strings.HasPrefix(name, "login.") }
	if slices.ContainsFunc(t.bad, isLogin) {
		leftOut, t.Probe.Login = true, config.Login{}
		t.bad = slices.DeleteFunc(slices.Clone(t.bad), isLogin)
	}
	return leftOut, len(t.bad) == 0
}

// idsOf returns what references refer to. An empty list says nobody, and nil that
// nothing is written.
func idsOf[ID ~string](refs []ref) []ID {
	return append([]ID{}, mapped(refs, func(r ref) ID { return ID(r.id) })...)
}

// addRoles returns lists of roles as one, each role once.
func addRoles(lists ...[]config.RoleID) []config.RoleID {
	var all []config.RoleID
	for _, id := range slices.Concat(lists...) {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

func configRefs(refs []ref) []config.Ref { return mapped(refs, ref.config) }

func joinSorted(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), " ")
}

func upperSorted(list []string) string { return strings.ToUpper(joinSorted(list)) }
