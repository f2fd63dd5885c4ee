package hclfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

// adopt takes over a diagnostic of hcl with its own words.
func (l *loader) adopt(r *rule, d *hcl.Diagnostic) {
	l.Say(r, d.Summary, d.Detail, diagnose.Subject(d))
}

// adoptContent takes over what is wrong with the shape of a block. It returns the
// attributes that somebody probably meant and misspelt.
func (l *loader) adoptContent(diags hcl.Diagnostics, b *blockType, what string) (meant []string) {
	for _, d := range diags {
		name, at := diagnose.NameIn(d), diagnose.Subject(d)
		switch says := diagnose.MeaningOf(d); {
		case d.Severity != hcl.DiagError:
		case d.Expression != nil: // for_each and labels of a dynamic block
			l.adoptDynamic(d)
		// Before what is near: a reserved word may be near a word of today.
		case isReserved(name, says):
			l.Report(ruleReserved, at, "%q is reserved for a later version of imapvigil.", name)
		case says == diagnose.UnknownAttribute:
			// Whoever meant a required attribute is not told as well that it is missing.
			if near, ok := diagnose.Nearest(name, b.attributeNames()); ok {
				meant = append(meant, near)
			}
			l.unknownAttribute(at, name, b, what)
		case says == diagnose.UnknownBlock:
			l.unknownBlock(at, name, b, what)
		case says == diagnose.WrongLabels:
			l.wrongLabels(d, b)
		case says == diagnose.WrongDynamic:
			l.Report(ruleDynamic, at, "%s", dynamicForm)
		default:
			l.syntax().adoptShape(d)
		}
	}
	return meant
}

const dynamicForm = `A dynamic block has for_each, labels where the blocks that it makes have a name, and content:
    dynamic "server" {
      for_each = local.names
      labels   = [server.value]
      content { ... }
    }`

// onlyRepeats reports whether all that the parser complains about is that
// attributes are there twice, so that what it made of a file can be used.
func onlyRepeats(diags hcl.Diagnostics) bool {
	return !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && diagnose.MeaningOf(d) != diagnose.RepeatedAttribute
	})
}

func (l *loader) adoptDynamic(d *hcl.Diagnostic) {
	switch diagnose.MeaningOf(d) {
	case diagnose.MarkedName:
		l.Report(ruleSensitiveValue, diagnose.Subject(d), "Names of blocks can appear in output, so they must not hold a secret from credential().")
		return
	case diagnose.WrongDynamic:
		l.adopt(ruleDynamic, d)
		return
	}
	for _, t := range d.Expression.Variables() {
		if slices.Contains(referenceRoots, t.RootName()) && diagnose.MeaningOf(d) == diagnose.UnknownVariable {
			l.Report(ruleEarlyReference, diagnose.Subject(d), "for_each and labels can use locals and functions, not references: they are evaluated before blocks have names.")
			return
		}
	}
	l.adoptEvaluation(hcl.Diagnostics{d}, failing{expr: d.Expression, ctx: d.EvalContext})
}

func (l *loader) unknownAttribute(at hcl.Range, name string, b *blockType, where string) {
	hint := diagnose.OnlyNear(name, b.attributeNames())
	switch _, isCheck := imapCheckBlock.attribute(name); {
	case hint != "":
	case b.called(name) != "":
		hint = fmt.Sprintf(" Here this is %s.", b.called(name))
	case b.block(name) != nil:
		hint = fmt.Sprintf(" %s is a block: write %s", name, b.block(name).header())
	case diagnose.OnlyNear(name, b.blockNames()) != "":
		hint = diagnose.OnlyNear(name, b.blockNames())
	case isCheck && b.block("defaults") != nil:
		hint = fmt.Sprintf(" To set it for every check here, write: defaults { %s = ... }", name)
	case b.block("defaults") != nil && diagnose.OnlyNear(name, defaultsBlock.attributeNames()) != "":
		near, _ := diagnose.Nearest(name, defaultsBlock.attributeNames())
		hint = fmt.Sprintf(" Did you mean, for every check here, defaults { %s = ... }?", near)
	case name == "insecure_skip_verify" || name == "skip_verify" || name == "verify":
		hint = " Verification cannot be skipped. For a private authority use ca_file."
	default:
		hint = diagnose.OneInside(name, b.attributeNames())
		if hint == "" {
			hint = diagnose.DidYouMean(name, b.attributeNames(), diagnose.Plain, "It takes")
		}
		if hint == "" {
			hint = " See imapvigil.hcl(5) for its attributes."
		}
	}
	l.Report(ruleUnknownAttribute, at, "%s has no attribute %q.%s", diagnose.Capital(diagnose.An(where)), name, hint)
}

// otherNames are what attributes are called elsewhere.
var otherNames = map[string]string{
	"ssl": "security", "encryption": "security", "ip": "hostname", "address": "hostname", "fqdn": "hostname", "url": "hostname",
	"frequency": "interval", "every": "interval", "period": "interval", "user": "username", "pass": "password", "passwd": "password",
	"alert": "notification_roles", "notify": "notification_roles", "contacts": "notification_roles", "contact_groups": "notification_roles",
	"dependencies": "depends_on", "parent": "depends_on", "parents": "depends_on", "disabled": "enabled", "active": "enabled",
	"recipients": "to", "room": "channel", "days": "weekly", "hours": "weekly", "exclude": "except", "holidays": "except",
	"tz": "timezone", "checks": "applies_to", "targets": "applies_to", "begin": "start", "until": "end",
	"quorum": "agree", "majority": "agree", "regions": "locations", "sites": "locations", "region": "location", "site": "location",
	"urls": "servers", "creds": "credentials", "nkey": "key", "public_key": "key", "private_key": "key_file",
}

// called returns the attribute of a block that other programs call by this name; ""
// where there is none.
func (b *blockType) called(name string) string {
	other := otherNames[strings.ToLower(name)]
	if _, ok := b.attribute(other); !ok || b.block(name) != nil {
		return ""
	}
	return other
}

func (l *loader) unknownBlock(at hcl.Range, name string, b *blockType, where string) {
	hint := diagnose.OnlyNear(name, b.blockNames())
	if _, ok := b.attribute(name); ok {
		hint = fmt.Sprintf(" %s is an attribute: write %s = ...", name, name)
	} else if hint == "" {
		hint = elsewhere(name, b)
	}
	l.Report(ruleUnknownBlock, at, "%s has no block %q.%s", diagnose.Capital(diagnose.An(where)), name, hint)
}

// elsewhere returns where a block that is known, but not here, belongs, as a sentence.
func elsewhere(name string, here *blockType) string {
	var parents []string
	for _, b := range everyBlock(rootBlock) {
		// The same block may be known in several places: imap_check in a server and in a
		// group.
		if b.block(name) != nil && b != here {
			parents = append(parents, placeIn(b.name))
		}
	}
	if len(parents) == 0 {
		return diagnose.DidYouMean(name, here.blockNames(), diagnose.Plain, "It takes")
	}
	return fmt.Sprintf(" It belongs %s.", diagnose.Enumerate(parents, "or"))
}

// placeIn returns where something in a block of this name stands: "in a server".
func placeIn(name string) string {
	if name == "" {
		return "at the top level"
	}
	return "in " + diagnose.An(name)
}

func (l *loader) wrongLabels(d *hcl.Diagnostic, b *blockType) {
	if inner := b.block(diagnose.BlockIn(d)); inner != nil {
		l.Report(ruleLabels, diagnose.Subject(d), "%s is written\n    %s", diagnose.Capital(diagnose.An(inner.name)), inner.header())
		return
	}
	l.Report(ruleDynamic, diagnose.Subject(d), "%s", dynamicForm)
}
