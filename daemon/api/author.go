package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

// A Signature is what a client says of who asks. It is kept with what is done.
type Signature struct {
	By   string `json:"by,omitempty"`   // on whose behalf, as --by says
	User string `json:"user,omitempty"` // who types
}

// authorKey is the key under which a context holds who sent a request.
type authorKey struct{}

// WithAuthor returns a context of requests whose sender the transport knows: identify
// returns a name, of what the client says of who types.
func WithAuthor(ctx context.Context, identify func(claimed string) string) context.Context {
	return context.WithValue(ctx, authorKey{}, identify)
}

// signatureOf reads a signature from the query of a request without a body.
func signatureOf(r *http.Request) Signature {
	return Signature{r.URL.Query().Get("by"), r.URL.Query().Get("user")}
}

// query returns the signature as signatureOf reads it.
func (s Signature) query() string {
	return url.Values{"by": {s.By}, "user": {s.User}}.Encode()
}

// author returns who sent a request. Whoever may connect may act for others with By: it is
// a note for colleagues, no proof.
func (s Signature) author(ctx context.Context) string {
	if identify, ok := ctx.Value(authorKey{}).(func(string) string); ok && s.By == "" {
		return identify(s.User)
	}
	return cmp.Or(s.By, s.User)
}
