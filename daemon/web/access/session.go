package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

const (
	sessionBytes = 16
	idleFor      = 12 * time.Hour      // a session ends when it was not used for so long
	longestLogin = 30 * 24 * time.Hour // and in any case then
	mostSessions = 10_000
)

// A session is a login that goes on.
type session struct {
	user
	byProvider  bool          // else with a password
	proof       opaque.Secret // what the login rests on: the session ends when it changes
	begun, used time.Time
}

// sessions are all that go on, by the SHA-256 of what their cookies hold.
type sessions struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*session
}

func newSessions() *sessions { return &sessions{all: map[[sha256.Size]byte]*session{}} }

// begin begins a session, and returns what its cookie holds.
func (s *sessions) begin(r *rules, u user, byProvider bool) string {
	id := make([]byte, sessionBytes)
	_, _ = rand.Read(id) // it never fails (crypto/rand)
	text := base64.RawURLEncoding.EncodeToString(id)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= mostSessions {
		s.makeRoom(now)
	}
	s.all[sha256.Sum256([]byte(text))] = &session{
		user: u, byProvider: byProvider, proof: r.proofOf(u, byProvider), begun: now, used: now,
	}
	return text
}

// makeRoom ends the sessions that are over, or else the one that was not used for longest. s.mu
// is held.
func (s *sessions) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
	var unused time.Time
	for sum, one := range s.all {
		if one.isOver(now) {
			delete(s.all, sum)
		} else if unused.IsZero() || one.used.Before(unused) {
			oldest, unused = sum, one.used
		}
	}
	if len(s.all) >= mostSessions {
		delete(s.all, oldest)
	}
}

func (s *session) isOver(now time.Time) bool {
	return now.Sub(s.used) >= idleFor || now.Sub(s.begun) >= longestLogin
}

// find returns whose session a cookie holds, and notes that it was used.
func (s *sessions) find(r *rules, cookie string) (u user, ok bool) {
	if cookie == "" {
		return u, false
	}
	sum, now := sha256.Sum256([]byte(cookie)), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.all[sum]
	if found == nil {
		return u, false
	}
	if found.isOver(now) || found.proof.IsZero() || found.proof != r.proofOf(found.user, found.byProvider) {
		delete(s.all, sum)
		return u, false
	}
	found.used = now
	return found.user, true
}

// proofOf returns what the login of a user rests on: their hash, or the provider. Zero: they can
// log in no more.
func (r *rules) proofOf(u user, byProvider bool) opaque.Secret {
	if !byProvider {
		return r.users[u.name]
	}
	if r.page.OIDC.Issuer == "" {
		return opaque.Secret{}
	}
	return opaque.NewSecret(r.page.OIDC.Issuer + " " + r.page.OIDC.ClientID)
}

func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, sha256.Sum256([]byte(cookie)))
}
