package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

// A Right is what a route asks of its visitors.
type Right int

// The rights. Operate includes See; Metrics is apart.
const (
	Anybody Right = iota // the login, assets, health, public pages
	See
	Metrics
	Operate // test, recheck, acknowledge, silence, note
)

// A Route is one thing that can be asked of the daemon over TCP. No other is served.
type Route struct {
	Pattern string // of http.ServeMux, with the method
	Right   Right
	Handler http.Handler
}

// A Visitor is whoever asks over TCP, as the listener has found out. Whoever asks on the
// control socket is none, and may do all.
type Visitor struct {
	Name   string // of the user or token; empty: nobody is logged in
	Rights []Right
	// Groups are all that the visitor may see; nil: everything.
	Groups []config.GroupID
	// Token: it is a program that has shown a token.
	Token bool
}

// May reports whether the visitor has a right.
func (v *Visitor) May(right Right) bool { return right == Anybody || slices.Contains(v.Rights, right) }

// Sees reports whether the visitor may know of a check.
func (v *Visitor) Sees(c *config.Check) bool {
	return v.Groups == nil || slices.ContainsFunc(c.Path, func(g config.GroupID) bool { return slices.Contains(v.Groups, g) })
}

// everybody may do all: who asks on the control socket.
var everybody = &Visitor{Rights: []Right{See, Metrics, Operate}}

type visitorKey struct{}

// WithVisitor returns a context that holds who asks.
func WithVisitor(ctx context.Context, v *Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// VisitorOf returns who asks. Without a visitor in the context it is one who may do all.
func VisitorOf(ctx context.Context) *Visitor {
	if v, ok := ctx.Value(visitorKey{}).(*Visitor); ok {
		return v
	}
	return everybody
}
