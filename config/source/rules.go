package source

import "github.com/imapvigil/imapvigil/config"

// What the files themselves can break.
var (
	ruleNoPath     = &config.Rule{ID: "no-path", Gravity: config.Error, Summary: "No configuration"}
	ruleUnreadable = &config.Rule{ID: "unreadable", Gravity: config.Error, Summary: "Unreadable file"}
	ruleWritable   = &config.Rule{ID: "writable-by-others", Gravity: config.Error, Summary: "Writable by others"}
	ruleTooDeep    = &config.Rule{ID: "too-deep", Gravity: config.Warning, Summary: "Directory not read"}
)

// Rules are all rules of this package.
var Rules = []*config.Rule{ruleNoPath, ruleUnreadable, ruleWritable, ruleTooDeep}
