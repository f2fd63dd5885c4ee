//go:build !quick

package daemon

import (
	"fmt"
	"testing"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// Every page, on a phone and on a large screen, light and dark, is accessible, needs no
// scrolling sideways, and has no error of a script, of the network or of its policy.
func TestPagesInABrowser(t *testing.T) {
	s := openSite(t)
	s.mx2.Refuse()
	s.await("mx2/imaps", func(c api.Check) bool { return c.State == "down" })
	incident := s.incident("mx2/imaps")
	visited := map[string][]string{
		"anna": {
			"/", "/c/mx1/imaps", "/c/mx2/imaps", "/i/" + incident, "/certificates", "/deliveries", "/coming", "/reports", "/monitor", "/wall",
			"/?q=nothing-is-called-so", "/nowhere",
		},
		"bert": {"/c/mx2/imaps", "/i/" + incident}, // may look, and nothing else
		"":     {"/login", "/p/", "/p/europe"},
	}
	for _, l := range []look{phone, desktop} {
		for _, l.dark = range []bool{false, true} {
			for user, paths := range visited {
				t.Run(fmt.Sprintf("%d px, dark %t, user %q", l.width, l.dark, user), func(t *testing.T) {
					l.expected = []string{"404"} // of /nowhere
					p := s.in(t).open(paths[0], l, user)
					for _, path := range paths {
						p.visit(path)
						p.fits()
						p.accessible()
					}
					p.well()
				})
			}
		}
	}
}

// in returns the site for a subtest.
func (s *site) in(t *testing.T) *site {
	c := *s
	c.t = t
	return &c
}

// incident returns the id of the open incident of a check.
func (s *site) incident(id string) string {
	s.t.Helper()
	snapshot, err := s.m.deciding.own.Snapshot(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for in := range snapshot.Incidents() {
		if string(in.Incident.Check) == id && in.Incident.Open() {
			return string(in.Incident.ID)
		}
	}
	s.t.Fatalf("%s has no open incident", id)
	return ""
}
