package tracker

import (
	"iter"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/daemon/incident"
)

// maxShared bounds what a sharer remembers, in texts of about 30 bytes. One that is full
// begins anew: the world has few lists of capabilities, but a hostile server may send
// another one each time.
const maxShared = 1 << 16

// A sharer makes small the results that are kept: what is equal in the results of several
// checks, addresses and times is in memory once, and what nobody shows is left out.
type sharer struct {
	sessions     map[session]*incident.TLSInfo
	capabilities map[string][]string
	names        map[string]string
	texts        int // in all of them
}

// A session is what tells TLS sessions apart that are shown differently: the hash stands
// for all that a certificate says.
type session struct{ version, cipher, certificate string }

// keep returns a copy of a result that shares what can be shared, most likely with the
// last one of the same check; nil: there is none.
func (s *sharer) keep(r incident.Result, last *incident.Result) *incident.Result {
	if s.texts > maxShared || s.sessions == nil {
		*s = sharer{sessions: map[session]*incident.TLSInfo{}, capabilities: map[string][]string{}, names: map[string]string{}}
	}
	kept := r.Addresses
	for i, a := range r.Addresses {
		a.TLS = s.session(a.TLS)
		if last != nil && i < len(last.Addresses) && slices.Equal(a.Capabilities, last.Addresses[i].Capabilities) {
			a.Capabilities = last.Addresses[i].Capabilities
		} else {
			a.Capabilities = s.list(a.Capabilities)
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
		sight.Node, sight.Location, sight.Standing = s.name(sight.Node), s.name(sight.Location), s.name(sight.Standing)
		sight.Hint = s.name(sight.Hint)
		kept[i] = sight
	}
	return kept
}

// name returns one text for all that are equal.
func (s *sharer) name(of string) string {
	known, ok := s.names[of]
	if !ok {
		known = strings.Clone(of)
		s.names[known] = known
		s.texts++
	}
	return known
}

// session returns what is kept of a TLS session: one value for all that are shown alike.
func (s *sharer) session(of *incident.TLSInfo) *incident.TLSInfo {
	if of == nil {
		return nil
	}
	key := session{of.Version, of.Cipher, of.SHA256}
	if known, ok := s.sessions[key]; ok && known.NotAfter.Equal(of.NotAfter) && known.Subject == of.Subject && known.Issuer == of.Issuer {
		return known
	}
	kept := *of
	// Of the last result nobody shows these.
	kept.SPKI, kept.Names = "", nil
	s.sessions[key] = &kept
	s.texts += 10
	return &kept
}

// list returns one list for all that have the same texts in the same order.
func (s *sharer) list(of []string) []string {
	if len(of) == 0 {
		return nil
	}
	key := strings.Join(of, " ")
	if known, ok := s.capabilities[key]; ok && slices.Equal(known, of) {
		return known
	}
	kept := make([]string, len(of))
	for i, text := range of {
		kept[i] = strings.Clone(text) // else it may hold the line of the server that it is part of
	}
	s.capabilities[key] = kept
	s.texts += 2 * len(kept)
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
