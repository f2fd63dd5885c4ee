package incident

import (
	"slices"
	"strings"
)

// A Pool has once in memory what the results of many checks have in common: a wildcard certificate,
// the capabilities of a mail server, the words of a hint. Nobody may change what it returns. The zero
// Pool is ready.
type Pool struct {
	// Most bounds what it remembers, in texts of about 30 bytes. A pool that is full begins again: the
	// world has few lists of capabilities, but a hostile server may send another one each time.
	Most int

	sessions map[session]*TLSInfo
	lists    map[string][]string
	texts    map[string]string
	size     int
}

// A session is what tells TLS sessions apart that are shown differently: the hash stands for all
// that a certificate says.
type session struct{ version, cipher, certificate string }

// Tidy begins again when the pool is full. What it returned before stays as it is.
func (p *Pool) Tidy() {
	if p.size > p.Most || p.sessions == nil {
		*p = Pool{Most: p.Most, sessions: map[session]*TLSInfo{}, lists: map[string][]string{}, texts: map[string]string{}}
	}
}

// Size returns how much the pool remembers, in texts of about 30 bytes.
func (p *Pool) Size() int { return p.size }

// Session returns one value for all sessions that are shown alike, without what nobody shows of them.
func (p *Pool) Session(of *TLSInfo) *TLSInfo {
	if of == nil {
		return nil
	}
	key := session{of.Version, of.Cipher, of.SHA256}
	if known, ok := p.sessions[key]; ok && known.NotAfter.Equal(of.NotAfter) && known.Subject == of.Subject && known.Issuer == of.Issuer {
		return known
	}
	kept := *of
	kept.SPKI, kept.Names = "", nil
	p.sessions[key] = &kept
	p.size += 10
	return &kept
}

// List returns one list for all that have the same texts in the same order.
func (p *Pool) List(of []string) []string {
	if len(of) == 0 {
		return nil
	}
	key := strings.Join(of, " ")
	if known, ok := p.lists[key]; ok && slices.Equal(known, of) {
		return known
	}
	kept := make([]string, len(of))
	for i, text := range of {
		kept[i] = strings.Clone(text) // else it may hold the line of the server that it is part of
	}
	p.lists[key] = kept
	p.size += 2 * len(kept)
	return kept
}

// Text returns one text for all that are equal.
func (p *Pool) Text(of string) string {
	known, ok := p.texts[of]
	if !ok {
		known = strings.Clone(of)
		p.texts[known] = known
		p.size++
	}
	return known
}
