package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// identifyProgram returns who sends a token, or name and password, in the header Authorization;
// nil: nobody does. A proxy may have a login of its own, whose header comes through to us: where
// the configuration has no tokens or users, it is not for us.
func (g *Gate) identifyProgram(rules *rules, r *http.Request) (*api.Visitor, error) {
	if token, ok := bearerOf(r); ok && len(rules.page.Tokens) > 0 {
		return g.identifyToken(rules, r, token)
	}
	if name, password, ok := r.BasicAuth(); ok && len(rules.users) > 0 {
		return g.identifyBasic(rules, r, name, password)
	}
	return nil, nil
}

// bearerOf returns the token of a request (RFC 6750 section 2.1).
func bearerOf(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// identifyToken returns the visitor that a token stands for. A token that is known always works:
// whoever guesses from the same address cannot keep Prometheus out.
func (g *Gate) identifyToken(rules *rules, r *http.Request, token string) (*api.Visitor, error) {
	sum := sha256.Sum256([]byte(token))
	for i := range rules.page.Tokens {
		if t := &rules.page.Tokens[i]; subtle.ConstantTimeCompare(t.SHA256[:], sum[:]) == 1 {
			return &api.Visitor{Name: t.Name, Rights: tokenRights[t.Right], Token: true}, nil
		}
	}
	if wait := g.tries.take(rules.clientOf(r), time.Now()); wait > 0 {
		return nil, tooOften(wait)
	}
	return nil, &Refusal{Status: http.StatusUnauthorized, Title: "This token is not known.", Text: "The file of page { tokens_file } has the SHA-256 of each."}
}

func (g *Gate) identifyBasic(rules *rules, r *http.Request, name, password string) (*api.Visitor, error) {
	now := time.Now()
	sum := g.passwords.sumOf(rules, name, password)
	if g.passwords.isRemembered(sum, now) {
		return rules.visitor(user{name: name}), nil
	}
	if wait := g.tries.take(rules.clientOf(r), now); wait > 0 {
		return nil, tooOften(wait)
	}
	if !g.passwords.isRight(r.Context(), rules, name, password) {
		return nil, &Refusal{Status: http.StatusUnauthorized, Title: wrongPassword}
	}
	g.passwords.remember(sum, now)
	return rules.visitor(user{name: name}), nil
}

const wrongPassword = "The user name or the password is wrong."

func tooOften(wait time.Duration) *Refusal {
	return &Refusal{Status: http.StatusTooManyRequests, Title: "There were too many tries to log in.", Text: "Wait " + wait.String() + ", and try again.", Wait: wait}
}
