package api

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/tracker"
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

// senderKey is the key under which a context holds which node has passed a request on.
type senderKey struct{}

// WithSender returns a context of requests that another node has passed on. Whoever asks is named with the words,
// such as " on fra1", whatever the node says of them: it vouches for its own people only.
func WithSender(ctx context.Context, words string) context.Context {
	return context.WithValue(ctx, senderKey{}, words)
}

// withSender returns a name with the words about the node that has passed the request on. It cuts a long name, so
// that the words are never the part that is cut.
func withSender(ctx context.Context, name string) string {
	words, passed := ctx.Value(senderKey{}).(string)
	if !passed {
		return name
	}
	return opaque.Bounded(name, max(leastName, tracker.MaxAuthor-len(words))) + words
}

// leastName is how many bytes of a name are kept at least: nodes have names of 63 bytes at most.
const leastName = 30

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
		return withSender(ctx, identify(s.User))
	}
	return withSender(ctx, cmp.Or(s.By, s.User))
}
