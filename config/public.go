package config

import (
	"cmp"
	"path"
	"strings"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// longestLabel is how much of a label is shown to everybody.
const longestLabel = 200

// PublicName returns what the public calls a check: the labels that people wrote, of the server
// and of the check. Where nobody wrote one, a label is an id, which is not for the public; the
// check is then one of those that have the name of their group.
func (c *Config) PublicName(check *Check) string {
	return opaque.Bounded(c.nameInPublic(check), longestLabel)
}

func (c *Config) nameInPublic(check *Check) string {
	var server string
	if s := c.Servers[check.Server]; s != nil {
		server = ownLabel(s.Label, string(s.ID))
	}
	own := ownLabel(check.Label, string(check.ID))
	switch {
	case server == "" && own == "" && len(check.Path) > 0:
		return c.PublicGroupName(check.Path[len(check.Path)-1])
	case server == "" && own == "":
		return "service"
	case server == "", strings.HasPrefix(own, server):
		return own
	case own == "":
		return server
	}
	return server + " (" + own + ")"
}

// ownLabel returns a label that is not just the id, or its last part.
func ownLabel(label, id string) string {
	if label == id || label == path.Base(id) {
		return ""
	}
	return label
}

// PublicGroupName returns what people call a group.
func (c *Config) PublicGroupName(id GroupID) string {
	base := path.Base(string(id))
	if g := c.Groups[id]; g != nil {
		return opaque.Bounded(cmp.Or(g.Label, base), longestLabel)
	}
	return base
}
