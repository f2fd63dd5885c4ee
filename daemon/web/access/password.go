package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/imapvigil/imapvigil/config"
)

const (
	// rememberFor is how long name and password that a program sends with each request are
	// known to be right. bcrypt takes a tenth of a second, on purpose.
	rememberFor = 5 * time.Minute
	// mostRemembered bounds how many.
	mostRemembered = 1000
	// longestPassword bounds what is hashed; bcrypt looks at 72 bytes.
	longestPassword = 1024
)

// passwords compares passwords with hashes, one at a time.
type passwords struct {
	turn chan struct{} // holds one while somebody compares
	key  []byte        // of this process, so that what is remembered is worth nothing elsewhere

	mu    sync.Mutex
	right map[[sha256.Size]byte]time.Time // until when
}

func newPasswords() *passwords {
	p := &passwords{turn: make(chan struct{}, 1), key: make([]byte, sha256.Size), right: map[[sha256.Size]byte]time.Time{}}
	_, _ = rand.Read(p.key) // it never fails (crypto/rand)
	return p
}

// isRight reports whether a password is that of a user. A name that nobody has takes as long.
func (p *passwords) isRight(ctx context.Context, r *rules, name, password string) bool {
	if len(password) > longestPassword {
		return false
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return false
	}
	hash, known := r.users[name]
	text := hash.Reveal()
	if !known {
		text = r.decoy
	}
	return bcrypt.CompareHashAndPassword([]byte(text), []byte(password)) == nil && known
}

// sumOf returns what is remembered of a name and a password. The hash is part of it: a password
// that was changed is not remembered any more.
func (p *passwords) sumOf(r *rules, name, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key)
	for _, part := range []string{name, password, r.users[name].Reveal()} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

func (p *passwords) isRemembered(sum [sha256.Size]byte, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.right[sum])
}

func (p *passwords) remember(sum [sha256.Size]byte, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.right) >= mostRemembered {
		clear(p.right) // each costs one comparison to know again
	}
	p.right[sum] = now.Add(rememberFor)
}

// decoyFor returns a hash that no password has and that costs as much as the costliest of
// users: the time of an answer does not say which names there are.
func decoyFor(users []config.PageUser) string {
	most := bcrypt.DefaultCost
	for i, u := range users {
		if cost, err := bcrypt.Cost([]byte(u.Hash.Reveal())); err == nil && (i == 0 || cost > most) {
			most = cost
		}
	}
	// 22 characters of salt and 31 of a hash that was never made from a password.
	return fmt.Sprintf("$2a$%02d$%s", most, "......................0000000000000000000000000000000")
}
