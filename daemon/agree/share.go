package agree

import (
	"cmp"
	"hash/fnv"
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

// Share returns which nodes probe a check: n of them, in different locations as long as there are
// any, in the order in which they take turns. It is the same on each node that has the same list,
// and when a node comes or goes as few checks move as can be (rendezvous hashing: Thaler and
// Ravishankar, 1998). Silent nodes have no share.
func Share(check config.CheckID, nodes []Member, n int) []Member {
	live := slices.DeleteFunc(slices.Clone(nodes), func(m Member) bool { return m.Silent })
	slices.SortFunc(live, func(a, b Member) int {
		return cmp.Or(cmp.Compare(weight(check, b.Node), weight(check, a.Node)), cmp.Compare(a.Node, b.Node))
	})
	var chosen, others []Member
	seen := map[string]bool{}
	for _, m := range live {
		if seen[m.Location] {
			others = append(others, m)
			continue
		}
		seen[m.Location] = true
		chosen = append(chosen, m)
	}
	chosen = append(chosen, others...)
	return chosen[:min(n, len(chosen))]
}

// assigned returns the nodes of a check: those that probe it, and where these are fewer than should be,
// silent ones that should.
func assigned(check config.CheckID, nodes []Member, q config.Quorum) []Member {
	eligible := slices.DeleteFunc(slices.Clone(nodes), func(m Member) bool { return !q.In(m.Location) })
	n := max(1, q.Nodes)
	members := Share(check, eligible, n)
	if len(members) == n {
		return members
	}
	for i := range eligible {
		eligible[i].Silent = !eligible[i].Silent
	}
	for _, m := range Share(check, eligible, n-len(members)) {
		m.Silent = true
		members = append(members, m)
	}
	return members
}

// weight is how much a node wants a check.
func weight(check config.CheckID, node string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(check))
	_, _ = h.Write([]byte{0}) // so that "a" with "bc" is another pair than "ab" with "c"
	_, _ = h.Write([]byte(node))
	return mix(h.Sum64())
}

// mix spreads a hash over all its bits: FNV alone changes the upper ones too little for names that differ
// at the end (SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
