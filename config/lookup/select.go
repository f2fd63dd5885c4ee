package lookup

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
)

// Select returns the checks that all of its arguments are about: names of checks, servers or
// groups, each of which adds its own; a server; a group. Nil: nothing was named, and all checks
// are meant. It is an error if no check is.
func (d *Directory) Select(names []string, server, group string) (map[config.CheckID]bool, error) {
	var kinds [][]config.CheckID
	asked := slices.Clone(names)
	if len(names) > 0 {
		list, err := d.Checks(names...)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, list)
	}
	if server != "" {
		id, err := d.Server(server)
		if err != nil {
			return nil, err
		}
		kinds, asked = append(kinds, d.Below(config.Ref{Server: id})), append(asked, "server "+server)
	}
	if group != "" {
		id, err := d.Group(group)
		if err != nil {
			return nil, err
		}
		kinds, asked = append(kinds, d.Below(config.Ref{Group: id})), append(asked, "group "+group)
	}
	if len(kinds) == 0 {
		return nil, nil
	}
	wanted := map[config.CheckID]bool{}
	for _, id := range kinds[0] {
		wanted[id] = true
	}
	for _, list := range kinds[1:] {
		maps.DeleteFunc(wanted, func(id config.CheckID, _ bool) bool { return !slices.Contains(list, id) })
	}
	if len(wanted) == 0 {
		return nil, errors.New("no check belongs to all of these: " + strings.Join(asked, ", "))
	}
	return wanted, nil
}
