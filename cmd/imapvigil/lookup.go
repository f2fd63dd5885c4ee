package main

import (
	"path"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/lookup"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// directoryOf returns the names that the checks of a daemon give.
func directoryOf(checks []api.Check) *lookup.Directory {
	members := make([]lookup.Member, 0, len(checks))
	for i := range checks {
		c := &checks[i]
		members = append(members, lookup.Member{
			Check: c.ID, Server: config.ServerID(c.Server), Group: config.GroupID(path.Join(c.Groups...)),
		})
	}
	return lookup.New(members)
}

// isInGroup reports whether groups, outermost first, lie in a group; empty: in any.
func isInGroup(groups []string, group config.GroupID) bool {
	return group == "" || strings.HasPrefix(path.Join(groups...)+"/", string(group)+"/")
}
