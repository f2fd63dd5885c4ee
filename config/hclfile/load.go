package hclfile

import (
	"bytes"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/advice"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// maxChecks bounds what dynamic blocks can multiply. Tests lower it.
var maxChecks = 1_000_000

// A loader makes one configuration of one Snapshot.
type loader struct {
	*diagnose.Findings
	snapshot *source.Snapshot
	broken   bool // a file could not be read or parsed: what it declares is unknown

	unread  int                // how many times a secret was needed that was not read
	holding map[hcl.Range]bool // the attributes that hold a secret, of those that need not

	salvaging bool // what can be used is wanted, whatever is wrong with the rest

	early    *hcl.EvalContext // functions and locals
	names    *hcl.EvalContext // and references
	contexts map[contextKey]*hcl.EvalContext
	locals   map[string]*local

	localBlocks map[hcl.Range]bool // where they stand, as written

	tree
	spaces  map[string]namespace
	known   map[string][]ref // what can be referred to, by root
	guessed int              // how often what was meant has been looked for
	config  *config.Config

	nodesUnsure bool // something is wrong with a node, so that it is not known what nodes there are

	written  advice.Written // what advice has to know besides the configuration
	listenAt hcl.Range      // where daemon.listen is written

	secrets secretPlaces
	reads   reader
}

type contextKey struct {
	dir  string
	base *hcl.EvalContext
}

// Load returns the configuration of a Snapshot. It never gives one together with an
// error; warnings may stand beside it. What the configuration names is read through the
// Snapshot, which remembers it.
func Load(s *source.Snapshot) (*config.Config, []config.Diagnostic) {
	l := newLoader(s)
	l.guard(l.run)
	if l.Failed() {
		l.Drop(func(r *config.Rule) bool { return r.Gravity == config.Warning })
		return nil, l.Diagnostics()
	}
	l.config.Digest, l.config.CommonDigest = s.Digest(), s.CommonDigest()
	return l.config, l.Diagnostics()
}

func newLoader(s *source.Snapshot) *loader {
	s.ForgetNamed() // what an earlier load named may be named no more
	l := &loader{
		snapshot: s,
		early:    &hcl.EvalContext{},
		contexts: map[contextKey]*hcl.EvalContext{},
		locals:   map[string]*local{},

		localBlocks: map[hcl.Range]bool{},
		tree:        newTree(),
		spaces:      map[string]namespace{},
		holding:     map[hcl.Range]bool{},
		config:      newConfig(),

		written: advice.Written{Hours: map[config.ScheduleID]bool{}},

		secrets: secretPlaces{snapshot: s, language: rootBlock, parsed: map[string]parsed{}},
	}
	l.Findings = diagnose.NewFindings(l.secrets.masked)
	l.reads = reader{Findings: l.Findings, snapshot: s}
	l.names = l.early.NewChild()
	return l
}

// syntax says what is wrong with the syntax of the files.
func (l *loader) syntax() syntax { return syntax{l.Findings, l.snapshot} }

// run goes through the stages. A stage works with what earlier ones could make
// sense of, so that one run reports as much as possible.
func (l *loader) run() {
	l.reportProblems()
	files := l.parse()
	l.defineLocals(files)
	for _, f := range files {
		l.declare(l.expand(f))
	}
	l.linkNames() // every file has been declared, so references can go anywhere
	l.linkServers()
	l.defineCluster() // before the notifiers, whose secrets not every node needs, and the checks
	l.eachBlock("schedule", l.defineSchedule)
	l.forSending("notifier", l.defineNotifier)
	l.forSending("notification_role", l.defineRole)
	l.defineDaemon() // after the roles, all of which it tells where none are written
	l.defineGroups()
	for _, node := range l.order { // after the daemon, whose roles they may have
		l.defineCheck(node)
	}
	l.checkDependencies()
	l.eachBlock("maintenance", l.defineMaintenance)
	l.defineMoves()
	l.defineHistory()
	l.definePage()
	l.eachBlock("report", l.defineReport)
	// Their times are those of the page's zone.
	l.eachBlock("announcement", l.defineAnnouncement)
	l.eachBlock("correction", l.defineCorrection)
	for _, dest := range l.snapshot.UnusedReplacements() {
		l.Report(ruleReplace, hcl.Range{Filename: dest}, "%s is neither a configuration file in %s nor named by one, so replacing it changes nothing.", dest, l.snapshot.Path())
	}
	if l.broken {
		// What is unknown may stand in the file that could not be used.
		consequences := []*rule{ruleUnknownReference, ruleUnknownVariable, ruleReplace, ruleNoCluster, ruleNoNodes, ruleLocation, ruleTooFewNodes, ruleNotANode}
		l.Drop(func(r *config.Rule) bool { return slices.Contains(consequences, r) })
	}
	if !l.Failed() {
		// Not after an error, which is why blocks are missing then.
		l.count()
		l.advise()
	}
}

func (l *loader) eachBlock(blockName string, define func(namedBlock)) {
	for _, b := range l.named[blockName] {
		define(b)
	}
}

func (l *loader) reportProblems() {
	for _, p := range l.snapshot.Problems() {
		l.Report(p.Rule, hcl.Range{Filename: p.File}, "%s", p.Detail)
		l.broken = l.broken || p.Rule.Gravity == config.Error
	}
	if len(l.snapshot.Files()) == 0 && !l.broken {
		l.Report(ruleNoFiles, hcl.Range{Filename: l.snapshot.Path()}, "No file in %s has a name that ends in .hcl or .hcl.json.", l.snapshot.Path())
	}
}

// parse returns the files that are well formed.
func (l *loader) parse() []parsed {
	var files []parsed
	all := parseAll(l.snapshot.Files())
	for _, p := range all {
		l.secrets.parsed[p.Name] = p
	}
	for _, p := range all {
		switch {
		case p.refused != nil:
			l.Report(p.refused.rule, p.refused.at, "%s", p.refused.advice)
		case p.diags.HasErrors():
			l.syntax().adoptSyntax(p.diags)
		}
		// The parser keeps the first of two attributes, so the rest of the file can be
		// checked.
		if p.body != nil && onlyRepeats(p.diags) {
			files = append(files, p)
		} else {
			l.broken = true
		}
	}
	return files
}

// defineLocals evaluates the locals of all files, which dynamic blocks need.
func (l *loader) defineLocals(files []parsed) {
	only := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: localsBlock.name}}}
	for _, f := range files {
		content, _, _ := f.body.PartialContent(only)
		for _, b := range content.Blocks {
			l.collectLocals(b)
		}
	}
	l.evaluateLocals()
}

// expand returns a file's body in which dynamic blocks stand as the blocks that they
// make. Most files have none, and are spared the detour.
func (l *loader) expand(f parsed) hcl.Body {
	if !bytes.Contains(f.Text, []byte("dynamic")) {
		return f.body
	}
	return dynblock.Expand(f.body, l.contextAt(f.Name, l.early))
}

// contextAt returns the names and functions for expressions of a file; relative paths
// start from its directory.
func (l *loader) contextAt(file string, base *hcl.EvalContext) *hcl.EvalContext {
	key := contextKey{filepath.Dir(file), base}
	ctx, ok := l.contexts[key]
	if !ok {
		ctx = base.NewChild()
		ctx.Functions = l.reads.functionsIn(key.dir)
		l.contexts[key] = ctx
	}
	return ctx
}

// contents are what stands in a block.
type contents struct {
	*hcl.BodyContent
	what  string    // the block in a message: "imap_check", "notify block for slack"
	at    hcl.Range // its header
	meant []string  // attributes that were probably meant by others with typing errors
	wrong bool      // something stands in it that does not belong there
}

// content returns what stands in a block, and reports what should not.
func (l *loader) content(block *hcl.Block, b *blockType, what string) *contents {
	content, diags := block.Body.Content(b.schema)
	c := &contents{BodyContent: content, what: what, at: header(block), wrong: diags.HasErrors()}
	if c.wrong {
		c.meant = l.adoptContent(diags, b, what)
	}
	return c
}

func newConfig() *config.Config {
	return &config.Config{
		Checks:    map[config.CheckID]*config.Check{},
		Servers:   map[config.ServerID]*config.Server{},
		Groups:    map[config.GroupID]*config.Group{},
		Roles:     map[config.RoleID]*config.Role{},
		Notifiers: map[config.NotifierID]*config.Notifier{},
		Schedules: map[config.ScheduleID]*config.Schedule{},

		LoginLeftOut: map[config.CheckID]bool{},
	}
}

// linkNames makes the references that expressions can use from here on.
func (l *loader) linkNames() {
	l.known = map[string][]ref{}
	l.names.Variables = map[string]cty.Value{
		"group":    l.top.value(),
		"notifier": l.notifierObject(),
	}
	for _, root := range []string{"server", "imap_check", "notification_role", "schedule"} {
		l.names.Variables[root] = l.spaces[root].value()
	}
}
