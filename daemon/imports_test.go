package daemon_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/imapvigil/imapvigil/"

// rooms is the plan of the house: which room may import which. A new room or
// arrow is a change to this table, made on purpose, in its own commit. "x/*"
// stands for every room one level below x, among rooms for those without a line of
// their own.
var rooms = map[string][]string{
	"config/opaque":     {},
	"config/access":     {},
	"config/atomicfile": {},
	"config/httpclient": {"config/names"},
	"config/names":      {},
	"config/certfile":   {},
	"config":            {"config/opaque", "notifiers"},
	"config/calendar":   {"config"},
	"config/moment":     {"config", "config/calendar"},
	"config/advice":     {"config", "config/calendar", "notifiers"},
	"config/golden":     {}, // of tests
	"config/lookup":     {"config"},
	"config/mdoc":       {"config"},
	"config/source":     {"config", "config/opaque"},
	"config/userfile":   {"config", "config/opaque"},
	"config/hclfile": {
		"config/access", "config", "config/advice", "config/calendar", "config/certfile", "config/hclfile/diagnose", "config/mdoc", "config/names", "config/opaque",
		"config/source", "config/userfile", "notifiers", "notifiers/*",
	},

	// It writes what hclfile reads, so it asks hclfile what that is.
	"config/firstfile":        {"config", "config/hclfile"},
	"config/takeover":         {"config", "config/hclfile", "config/source"},
	"config/hclfile/diagnose": {"config", "config/lookup", "config/opaque", "config/source"},
	// Which names are read, and how deep, is one rule; the watcher knows it from the
	// reader, so that no two of them can differ.
	"config/watch":                    {"config/source"},
	"notifiers":                       {"config/opaque"},
	"notifiers/*":                     {"notifiers", "notifiers/httpdo", "notifiers/fit", "notifiers/twilio", "notifiers/wording", "config/certfile", "config/names", "config/opaque"}, // a channel
	"notifiers/exec":                  {"notifiers", "notifiers/fit", "notifiers/webhook", "config/opaque"},                                                                            // what a program reads is the webhook's body
	"notifiers/fit":                   {},
	"notifiers/wording":               {"notifiers", "config/opaque"},
	"notifiers/twilio":                {"notifiers", "notifiers/httpdo", "config/opaque"},
	"notifiers/httpdo":                {"notifiers", "config/httpclient", "config/certfile", "config/names", "config/opaque"},
	"notifiers/notifiertest":          {"notifiers", "config/opaque", "notifiers/notifiertest/*"},
	"notifiers/notifiertest/smtpsink": {},
	"notifiers/notifiertest/httpsink": {},
	"daemon/incident":                 {"config", "config/opaque"},
	"daemon/agree":                    {"config", "config/opaque", "daemon/incident"},
	"daemon/bus":                      {"config/opaque"},
	"daemon/bus/*":                    {"daemon/bus"},
	"daemon/bus/serverfiles":          {"config", "daemon/bus"},
	"daemon/bus/bustest":              {"config/opaque", "daemon/bus", "daemon/probe/imaptest/ca", "daemon/probe/imaptest/process"}, // of tests
	"daemon/stream":                   {"daemon/bus", "daemon/journal"},
	"daemon/cluster":                  {"config", "config/opaque", "daemon/agree", "daemon/bus", "daemon/clock", "daemon/incident", "daemon/journal", "daemon/stream", "daemon/tracker"},
	"daemon/clock":                    {},
	"daemon/journal":                  {},
	"daemon/reconcile":                {},
	"daemon/verdict":                  {"config", "config/opaque", "daemon/incident"},
	"daemon/probe": {
		"config", "config/certfile", "config/httpclient", "config/names", "config/opaque", "daemon/clock", "daemon/incident", "daemon/verdict",
	},
	"daemon/probe/imaptest":         {"daemon/probe/imaptest/ca"},
	"daemon/probe/imaptest/ca":      {},
	"daemon/probe/imaptest/process": {},
	"daemon/probe/imaptest/debian":  {"daemon/probe/imaptest/ca", "daemon/probe/imaptest/process"},
	"daemon/probe/imaptest/dovecot": {"daemon/probe/imaptest/ca", "daemon/probe/imaptest/debian", "daemon/probe/imaptest/process"},
	"daemon/probe/imaptest/proxies": {"daemon/probe/imaptest/ca", "daemon/probe/imaptest/process"},
	"daemon/selfcheck":              {"config", "config/names", "daemon/clock", "daemon/incident", "daemon/verdict"},
	"daemon/demo": {
		"daemon/bus", "daemon/bus/local", "daemon/journal", "daemon/stream", "daemon/outbox", "daemon/probe/imaptest", "daemon/probe/imaptest/ca",
		"notifiers/notifiertest/smtpsink", "notifiers/notifiertest/httpsink",
	},
	"daemon/outbox": {"config", "config/calendar", "config/opaque", "daemon/incident", "notifiers", "notifiers/wording"},
	// The tracker puts incidents into messages, so it knows notifiers' words and
	// the opaque ones, beside what it owns.
	"daemon/tracker": {
		"config", "config/calendar", "config/opaque", "notifiers",
		"daemon/clock", "daemon/incident", "daemon/journal", "daemon/outbox",
	},
	// What was so, in sums: a room of its own, so that the formula can be read, and tested, without
	// a database.
	"daemon/availability": {"config"},
	"daemon/history":      {"config", "config/calendar", "daemon/availability", "daemon/incident"},
	"daemon/elsewhere":    {"config", "daemon/availability", "daemon/history"},
	"daemon/glossary":     {"config", "config/mdoc", "daemon/incident", "daemon/outbox"},
	// What was told, and what is held, is the outbox's, in its words.
	"daemon/api": {"config", "config/access", "config/calendar", "config/lookup", "config/moment", "config/source", "config/opaque", "notifiers", "daemon/incident", "daemon/outbox", "daemon/tracker", "daemon/availability", "daemon/history", "daemon/elsewhere"},
	// The listener, and who may ask; what is shown and counted is in the rooms below it.
	"daemon/web":        {"config", "config/opaque", "daemon/api", "daemon/web/*"},
	"daemon/web/access": {"config", "config/opaque", "daemon/api"},
	"daemon/web/pages":  {"config", "config/opaque", "config/calendar", "config/moment", "notifiers", "daemon/api", "daemon/availability", "daemon/history", "daemon/incident", "daemon/report", "daemon/elsewhere"},
	// It writes series straight from the snapshot: api's types would be made for each check first.
	"daemon/web/metrics": {"config", "daemon/api", "daemon/incident", "daemon/tracker"},
	"daemon/control":     {"daemon/api"},
	// What people read of a period, made of what programs get.
	"daemon/report":      {"config", "notifiers", "daemon/api", "daemon/availability"},
	"daemon":             {"daemon/*", "daemon/bus/*", "daemon/web/*", "config", "config/*", "notifiers", "notifiers/httpdo", "notifiers/wording"},
	"examples":           {},
	"examples/customers": {},
	"packaging":          {},
	"cmd/imapvigil": {
		"daemon", "daemon/bus", "daemon/bus/serverfiles", "daemon/web/pages", "daemon/api", "daemon/clock", "daemon/glossary", "daemon/probe", "daemon/demo", "daemon/verdict",
		"daemon/incident", "daemon/journal", "daemon/history", "daemon/availability", "daemon/report", "config", "config/atomicfile", "config/hclfile", "config/lookup", "config/moment", "config/source", "notifiers",
		"config/access", "config/calendar", "config/firstfile", "config/opaque", "config/takeover",
	},
}

// owners are the libraries that one room alone may import, and those below it.
var owners = map[string][]string{
	"github.com/hashicorp/hcl/":     {"config/hclfile", "config/hclfile/diagnose"},
	"github.com/fsnotify/":          {"config/watch"},
	"github.com/emersion/go-imap/":  {"daemon/probe", "daemon/probe/imaptest"},
	"github.com/teambition/rrule-":  {"config/calendar"},
	"go.yaml.in/":                   {"config/takeover"},
	"github.com/slack-go/":          {"notifiers/slack"},
	"github.com/wneessen/":          {"notifiers/email"},
	"modernc.org/":                  {"daemon/history"},
	"github.com/prometheus/":        {"daemon/web/metrics"},
	"github.com/coreos/go-oidc/":    {"daemon/web/access"},
	"github.com/spf13/cobra":        {"cmd/imapvigil"},
	"github.com/nats-io/":           {"daemon/bus", "daemon/bus/bustest"}, // the latter for tests
	"github.com/coreos/go-systemd/": {"daemon", "cmd/imapvigil"},
}

// pure are the rooms that decide from their arguments alone: they see neither the
// machine nor the clock.
var pure = []string{"daemon/agree", "daemon/availability", "daemon/incident", "daemon/verdict"}

// impure is what would let a room look around, with everything below it; net/netip is
// values.
var impure = []string{"os", "net", "sync", "context", "log", "io/fs", "syscall", "math/rand"}

func isImpure(imp string) bool {
	return imp != "net/netip" && slices.ContainsFunc(impure, func(p string) bool { return imp == p || strings.HasPrefix(imp, p+"/") })
}

// Of the package time a pure room uses only what reads no clock.
func TestPureRoomsAskNoClock(t *testing.T) {
	t.Parallel()
	clock := []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}
	for _, room := range pure {
		files, err := filepath.Glob(filepath.Join("..", room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(room, "has no files", err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, s.Sel.Name) {
					t.Errorf("%s asks the clock: time.%s", name, s.Sel.Name)
				}
				return true
			})
		}
	}
}

func TestImports(t *testing.T) {
	for room, imports := range roomImports(t) {
		allowed, planned := rooms[room]
		if !planned {
			allowed, planned = rooms[path.Dir(room)+"/*"]
		}
		if !planned {
			t.Errorf("%s is not in the plan: add the room and its arrows to the table, on purpose", room)
			continue
		}
		for _, imp := range imports {
			if inner, ours := strings.CutPrefix(imp, module); ours && !covered(allowed, inner) {
				t.Errorf("%s must not import %s", room, inner)
			}
			if slices.Contains(pure, room) && isImpure(imp) {
				t.Errorf("%s is pure and must not import %s", room, imp)
			}
			for library, owner := range owners {
				if strings.HasPrefix(imp, library) && !slices.Contains(owner, room) {
					t.Errorf("%s must not import %s; only %v may", room, imp, owner)
				}
			}
		}
	}
}

func covered(allowed []string, room string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		matched, _ := path.Match(a, room)
		return matched
	})
}

// environmentReaders are the rooms that may ask for variables of the environment, and
// why. All others are given what they need to know.
var environmentReaders = map[string]string{
	"cmd/imapvigil": "main reads the environment, once",
}

func TestEnvironmentIsReadOnce(t *testing.T) {
	asks := map[string][]string{
		"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv"},
		"syscall": {"Getenv", "Environ"},
	}
	found := map[string]bool{}
	for room, files := range roomFiles(t) {
		for _, file := range files {
			ast.Inspect(parse(t, file, 0), func(n ast.Node) bool {
				use, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				pkg, ok := use.X.(*ast.Ident)
				if !ok || !slices.Contains(asks[pkg.Name], use.Sel.Name) {
					return true
				}
				found[room] = true
				if environmentReaders[room] == "" {
					t.Errorf("%s calls %s.%s: let main read the environment, and hand it down", file, pkg.Name, use.Sel.Name)
				}
				return true
			})
		}
	}
	for room, why := range environmentReaders {
		if !found[room] {
			t.Errorf("%s does not read the environment, and may (%s): take it off the list", room, why)
		}
	}
}

// roomImports reads the import clauses of every file that is not a test.
func roomImports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for room, files := range roomFiles(t) {
		for _, file := range files {
			for _, spec := range parse(t, file, parser.ImportsOnly).Imports {
				imp, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				found[room] = append(found[room], imp)
			}
		}
	}
	return found
}

func parse(t *testing.T, file string, mode parser.Mode) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, mode)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// roomFiles are the files of each room that are not tests.
func roomFiles(t *testing.T) map[string][]string {
	t.Helper()
	const top = ".."
	found := map[string][]string{}
	err := filepath.WalkDir(top, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != top && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		room, err := filepath.Rel(top, filepath.Dir(file))
		found[room] = append(found[room], file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d rooms were found; the test looks in the wrong place", len(found))
	}
	return found
}
