package hclfile

import (
	"bytes"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// A Source is where an attribute of a check is written.
type Source struct {
	Pos config.Pos
	// In is the block that it stands in: imap_check "imaps", defaults of group.europe. One
	// that a dynamic block makes is called so.
	In string
}

// Written is where the attributes of one check are written, by their names ("port",
// "tls.ca_file"); the nearest first where several count together. An attribute that is not
// there has the default of the language.
type Written map[string][]Source

// WhereWritten returns where the attributes of checks are written. It looks at the files
// once more, so that a daemon keeps nothing of it; nil: the files are in error.
func WhereWritten(s *source.Snapshot, checks ...config.CheckID) map[config.CheckID]Written {
	l := newLoader(s)
	l.guard(l.run)
	if l.Failed() {
		return nil
	}
	all := map[config.CheckID]Written{}
	for _, id := range checks {
		if node := l.checks[id]; node != nil {
			all[id] = l.whereWritten(node)
		}
	}
	return all
}

func (l *loader) whereWritten(node *checkNode) Written {
	w := Written{}
	content := l.content(node.block, imapCheckBlock, "imap_check")
	var p place
	set, _ := decodeEach(l, placeTable, content, &p)
	server, group, _ := l.placeCheck(node, &p)
	here := &level{l.blockTitle(node.block), header(node.block)}
	t := l.termsAt(group, server)
	l.overlay(&t, content, here)
	for i := len(t.from) - 1; i >= 0; i-- { // the nearest was written last
		from := t.from[i]
		w.add(from.name, from.expr.Range(), strings.TrimPrefix(from.level.what, "the "))
	}
	for name, sources := range w {
		if name != "also_notify" { // which adds up; of the others the nearest wins
			w[name] = sources[:1]
		}
	}
	for _, name := range set {
		w.add(name, content.Attributes[name].Expr.Range(), here.what)
	}
	l.addPlace(w, node, server, group)
	return w
}

// addPlace adds what a check has from where it stands: its server's host, its server and
// its group; and the roles that the daemon gives to checks without any.
func (l *loader) addPlace(w Written, node *checkNode, server *serverNode, group *groupNode) {
	if server != nil {
		in := l.blockTitle(server.block)
		if host := server.content.Attributes["hostname"]; host != nil && w["hostname"] == nil {
			w.add("hostname", host.Expr.Range(), in)
		}
		if depends := server.content.Attributes["depends_on"]; depends != nil {
			w.add("server.depends_on", depends.Expr.Range(), in)
		}
		if w["server"] == nil {
			w.add("server", header(server.block), in)
		}
	}
	if group != l.top && w["group"] == nil {
		at := group.block
		for g := group; g != nil && at == nil; g = g.parent {
			at = g.block
		}
		if server != nil {
			if written := server.content.Attributes["group"]; written != nil {
				w.add("group", written.Expr.Range(), l.blockTitle(server.block))
				return
			}
		}
		w.add("group", header(at), l.blockTitle(at))
	}
	if daemon := l.single["daemon"]; daemon != nil && w["notification_roles"] == nil {
		content := l.content(daemon, daemonBlock, "daemon")
		if roles := content.Attributes["notification_roles"]; roles != nil {
			w.add("notification_roles", roles.Expr.Range(), "daemon")
		}
	}
}

func (w Written) add(name string, at hcl.Range, in string) {
	w[name] = append(w[name], Source{diagnose.Position(at), in})
}

// blockTitle names a block; where a dynamic block made it, its place is that of the
// dynamic block.
func (l *loader) blockTitle(b *hcl.Block) string {
	title := blockNamed(b.Type, b.Labels)
	for _, f := range l.snapshot.Files() {
		at := b.DefRange.Start.Byte
		if f.Name == b.DefRange.Filename && at < len(f.Text) && bytes.HasPrefix(f.Text[at:], []byte("dynamic")) {
			return title + " of dynamic " + diagnose.Quoted(b.Type)
		}
	}
	return title
}

// Default returns the default of a check's attribute as the manual has it; "" where it
// has none.
func Default(name string) string {
	block := imapCheckBlock
	if inner, attribute, ok := strings.Cut(name, "."); ok {
		block, name = imapCheckBlock.block(inner), attribute
	}
	if block == nil {
		return ""
	}
	a, _ := block.attribute(name)
	return a.fallback
}
