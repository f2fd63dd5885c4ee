package source

import (
	"regexp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// MaxDepth is how many levels below the configuration's directory a file may lie;
// a file in the directory itself lies one level below it.
const MaxDepth = 8

// credentialsDir is where credential looks, beside the files.
const credentialsDir = "credentials"

// fileName is what a configuration file is called in a directory. Editors'
// and package managers' leftovers (.x.swp, x.hcl~, x.hcl.dpkg-dist) do not
// match.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*\.hcl(\.json)?$`)

// IsFileName reports whether a file of this name, without a directory, is a
// configuration file.
func IsFileName(name string) bool { return fileName.MatchString(name) }

// madeBySystem are directories that file systems and the software of storage
// boxes put wherever they are mounted, often for root alone. People write no
// configuration there: what fsck puts into lost+found is what was lost.
var madeBySystem = []string{"lost+found", "System Volume Information", "$RECYCLE.BIN", "@eaDir", "#recycle", "#snapshot"}

// IsPassedOver reports whether a directory of this name is passed over without a
// word. level says how many levels below the configuration's directory it lies: 1 in
// that itself.
func IsPassedOver(name string, level int) bool {
	return strings.HasPrefix(name, ".") || level == 1 && name == credentialsDir || slices.Contains(madeBySystem, name)
}

// IsEntered reports whether a directory is looked into. One that would be, but for
// its level, is one of the [Snapshot.Problems].
func IsEntered(name string, level int) bool { return !IsPassedOver(name, level) && level < MaxDepth }

// isInScope reports whether a walk would come by a file, whose path starts from the
// configuration's directory.
func isInScope(rel string) bool {
	parts := strings.Split(rel, "/")
	for i, dir := range parts[:len(parts)-1] {
		if !IsEntered(dir, i+1) {
			return false
		}
	}
	return IsFileName(parts[len(parts)-1])
}

// What the files themselves can break.
var (
	ruleNoPath     = &config.Rule{ID: "no-path", Gravity: config.Error, Summary: "No configuration"}
	ruleUnreadable = &config.Rule{ID: "unreadable", Gravity: config.Error, Summary: "Unreadable file"}
	ruleWritable   = &config.Rule{ID: "writable-by-others", Gravity: config.Error, Summary: "Writable by others"}
	ruleTooDeep    = &config.Rule{ID: "too-deep", Gravity: config.Warning, Summary: "Directory not read"}
)

// Rules are all rules of this package.
var Rules = []*config.Rule{ruleNoPath, ruleUnreadable, ruleWritable, ruleTooDeep}
