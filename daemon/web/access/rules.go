package access

import (
	"net/url"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A user is somebody who has shown who they are.
type user struct {
	name   string
	groups []string // that a proxy or provider says; those of users_file have none
}

// rules are what a configuration says of who may do what.
type rules struct {
	config *config.Config
	page   *config.Page
	users  map[string]opaque.Secret // bcrypt hashes by name
	decoy  string                   // a hash that no password has, as costly as the costliest of users
	public *url.URL                 // nil: none
}

func newRules(cfg *config.Config) *rules {
	r := &rules{config: cfg, page: &cfg.Page, users: map[string]opaque.Secret{}}
	for _, u := range cfg.Page.Users {
		r.users[u.Name] = u.Hash
	}
	r.decoy = decoyFor(cfg.Page.Users)
	if public, err := url.Parse(cfg.Daemon.PublicURL); err == nil && public.Host != "" {
		r.public = public
	}
	return r
}

// nobody returns the visitor who has not shown who they are: they see what is public.
func (r *rules) nobody() *api.Visitor {
	return &api.Visitor{Groups: append([]config.GroupID{}, r.page.PublicGroups...)}
}

// visitor returns what a user may do. Whom no access block names sees everything.
func (r *rules) visitor(u user) *api.Visitor {
	v := &api.Visitor{Name: u.name, Rights: []api.Right{api.See}}
	for _, a := range r.page.Access {
		if u.isIn(a.Users) || slices.Contains(u.groups, a.Name) {
			// Not nil, even if the block names no group: nil is everything.
			v.Groups = append(append([]config.GroupID{}, v.Groups...), a.Groups...)
		}
	}
	if v.Groups == nil {
		v.Rights = append(v.Rights, api.Metrics) // which are about everything
	}
	if u.isIn(r.page.Operators) {
		v.Rights = append(v.Rights, api.Operate)
	}
	return v
}

// isIn reports whether a list of the configuration names a user, or, as "@name", one of its
// groups.
func (u user) isIn(list []string) bool {
	return slices.Contains(list, u.name) ||
		slices.ContainsFunc(u.groups, func(g string) bool { return slices.Contains(list, "@"+g) })
}

// tokenRights are what the right of a token lets a program do.
var tokenRights = map[config.TokenRight][]api.Right{
	config.TokenMetrics: {api.Metrics},
	config.TokenRead:    {api.Metrics, api.See},
	config.TokenOperate: {api.Metrics, api.See, api.Operate},
}
