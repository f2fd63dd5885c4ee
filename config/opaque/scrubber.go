package opaque

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A Scrubber takes the secrets that it knows out of the texts of others: a server
// may repeat what it was sent, and its words go into logs and incidents. It searches
// for the bytes that it was given; whoever adds a secret adds the forms in which it
// may come back. The zero Scrubber knows none; any goroutine may use it.
type Scrubber struct {
	// Mark stands in the place of a secret; empty: [Redacted].
	Mark string
	// Least is the length in bytes from which a secret is searched for; 0: [Shortest].
	Least int

	mu      sync.Mutex
	known   map[string]bool
	longest []string            // all of them; nil: not sorted yet
	begins  map[string][]string // the same by their first bytes, as many as the shortest has
	prefix  int
	first   [256]bool // the first bytes: most of a text is told from a secret by these
}

// Shortest is the length in bytes from which a secret is searched for where nothing
// else is said. Taking out every "a" because a password is "a" would tell more than it
// hides.
const Shortest = 4

// maxPrefix is how many first bytes tell secrets apart well enough.
const maxPrefix = 4

// NewScrubber returns a Scrubber that knows some secrets.
func NewScrubber(secrets ...string) *Scrubber {
	s := &Scrubber{}
	s.Add(secrets...)
	return s
}

// Add makes texts secret from now on.
func (s *Scrubber) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]bool{}
	}
	for _, secret := range secrets {
		if len(secret) >= cmp.Or(s.Least, Shortest) && !s.known[secret] {
			s.known[secret], s.longest = true, nil
		}
	}
}

// Scrub returns a text with the mark in the place of each secret. Where secrets
// overlap, one mark stands for all of them. A nil Scrubber knows none.
func (s *Scrubber) Scrub(text string) string {
	if s == nil {
		return text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prepare()
	var out strings.Builder
	kept := 0 // up to where the text is in out
	for i := 0; i < len(text); i++ {
		length := s.longestAt(text[i:])
		if length == 0 {
			continue
		}
		end := i + length
		for j := i + 1; j < end; j++ { // another secret may begin within this one and end after it
			end = max(end, j+s.longestAt(text[j:]))
		}
		out.WriteString(text[kept:i])
		out.WriteString(s.mark())
		kept, i = end, end-1
	}
	if kept == 0 {
		return text
	}
	out.WriteString(text[kept:])
	return out.String()
}

// ScrubCut is Scrub for a text that may have been cut: the beginning of a secret at the
// end of the text, of at least three bytes, is taken out too. Fewer give nothing away,
// and are likely to be something else.
func (s *Scrubber) ScrubCut(text string) string {
	const least = 3
	text = s.Scrub(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.longest {
		for n := min(len(secret), len(text)); n >= least; n-- {
			if strings.HasSuffix(text, secret[:n]) {
				return text[:len(text)-n] + s.mark()
			}
		}
	}
	return text
}

func (s *Scrubber) mark() string { return cmp.Or(s.Mark, Redacted) }

// prepare sorts the secrets, once after some were added.
func (s *Scrubber) prepare() {
	if s.longest != nil || len(s.known) == 0 {
		return
	}
	s.prefix = maxPrefix
	for secret := range s.known {
		s.longest, s.prefix = append(s.longest, secret), min(s.prefix, len(secret))
	}
	slices.SortFunc(s.longest, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	s.begins = make(map[string][]string, len(s.longest))
	for _, secret := range s.longest {
		s.begins[secret[:s.prefix]] = append(s.begins[secret[:s.prefix]], secret)
		s.first[secret[0]] = true
	}
}

// longestAt returns the length in bytes of the longest secret that a text begins with,
// or 0.
func (s *Scrubber) longestAt(text string) int {
	if len(s.longest) == 0 || len(text) < s.prefix || !s.first[text[0]] {
		return 0
	}
	for _, secret := range s.begins[text[:s.prefix]] { // the longest first
		if strings.HasPrefix(text, secret) {
			return len(secret)
		}
	}
	return 0
}
