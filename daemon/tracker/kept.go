package tracker

import (
	"iter"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// maxShared bounds what a sharer remembers, in texts of about 30 bytes.
const maxShared = 1 << 16

// A sharer makes small the results that are kept: what is equal in the results of several
// checks, addresses and times is in memory once, and what nobody shows is left out.
type sharer struct{ incident.Pool }

// keep returns a copy of a result that shares what can be shared, most likely with the
// last one of the same check; nil: there is none.
func (s *sharer) keep(r incident.Result, last *incident.Result) *incident.Result {
	s.Most = maxShared
	s.Tidy()
	kept := r.Addresses
	for i, a := range r.Addresses {
		a.TLS = s.Session(a.TLS)
		if last != nil && i < len(last.Addresses) && slices.Equal(a.Capabilities, last.Addresses[i].Capabilities) {
			a.Capabilities = last.Addresses[i].Capabilities
		} else {
			a.Capabilities = s.List(a.Capabilities)
		}
		if a.TLS == nil && a.Capabilities == nil {
			continue // nothing to share: the conversation is kept as it is, without a copy
		}
		if &kept[0] == &r.Addresses[0] {
			kept = slices.Clone(r.Addresses) // the result itself belongs to others, too
		}
		kept[i] = a
	}
	r.Addresses, r.Sightings = kept, s.sightings(r.Sightings)
	return &r
}

// sightings returns what is kept of what several nodes see. Their names are few, and each message that
// arrives brings texts of its own.
func (s *sharer) sightings(of []incident.Sighting) []incident.Sighting {
	if len(of) == 0 {
		return nil
	}
	kept := make([]incident.Sighting, len(of))
	for i, sight := range of {
		sight.Node, sight.Location, sight.Standing = s.Text(sight.Node), s.Text(sight.Location), s.Text(sight.Standing)
		sight.Hint = s.Text(sight.Hint)
		kept[i] = sight
	}
	return kept
}

// A Source is what one node has found: of the last probe, the conversations that it held.
type Source struct {
	Node      string
	Addresses []incident.Address
}

// Sources yields what each node has found in the last probe of a check, in the order of
// their first conversations.
func (s *CheckState) Sources() iter.Seq[Source] {
	return func(yield func(Source) bool) {
		if s.Last == nil {
			return
		}
		all, seen := s.Last.Addresses, []string{}
		for i := range all {
			node := all[i].Node
			if slices.Contains(seen, node) {
				continue
			}
			seen = append(seen, node)
			its := slices.DeleteFunc(slices.Clone(all), func(a incident.Address) bool { return a.Node != node })
			if !yield(Source{node, its}) {
				return
			}
		}
	}
}
