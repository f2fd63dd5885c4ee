// Package access finds out who asks over TCP, and what they may do.
//
// People log in with a form and get a session, or are named by a proxy or an OpenID provider;
// programs have a token, or send name and password with each request. Whoever it is becomes an
// [api.Visitor]: its rights and the groups it may see are those of the configuration that is in
// force at the request, so that a reload takes effect at once.
//
// It keeps no password, no token and no session that could be used from outside: of each it has
// only a hash. What it knows is in memory, and gone after a restart.
package access

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// Options are how pages of the login look.
type Options struct {
	ShowLogin func(http.ResponseWriter, *http.Request, *config.Config, Form)
	ShowFault func(http.ResponseWriter, *http.Request, *config.Config, Refusal)
	// Log hears why a login with OpenID failed; nil: nobody does.
	Log func(msg string, err error)
}

// A Form is what the page of the login shows.
type Form struct {
	Users        bool   // there is a file of users, so the form is shown
	Provider     string // the host of the OpenID provider; empty: none
	ProviderPath string // where the login with it begins
	Next         string // the path to return to
	User         string // who has tried
	Wrong        string // why the last try failed; empty: there was none
}

// A Refusal is why somebody is not let in.
type Refusal struct {
	Status      int
	Title, Text string        // sentences: what is so, and what can be done; empty: the usual ones
	Wait        time.Duration // before the next try; 0: it makes no difference
}

func (r *Refusal) Error() string { return strings.TrimSpace(r.Title + " " + r.Text) }

// An Entrance is how a request came in, which the listener knows.
type Entrance struct {
	Loopback bool // at an address that only this machine reaches
}

type entranceKey struct{}

// WithEntrance returns a context that holds how a request came in.
func WithEntrance(ctx context.Context, e Entrance) context.Context {
	return context.WithValue(ctx, entranceKey{}, e)
}

// isPrivate reports whether nobody between can have read the request. Passwords, tokens and
// cookies that others may have read count for nothing.
func isPrivate(r *http.Request) bool {
	e, _ := r.Context().Value(entranceKey{}).(Entrance)
	return e.Loopback || r.TLS != nil
}

func onLoopback(r *http.Request) bool {
	e, _ := r.Context().Value(entranceKey{}).(Entrance)
	return e.Loopback
}

// A Gate knows who may come in.
type Gate struct {
	options   Options
	rules     atomic.Pointer[rules] // of the configuration in force; nil: none yet
	passwords *passwords
	sessions  *sessions
	tries     *tries
	provider  *provider
}

// NewGate makes a gate that lets nobody in before [Gate.Use].
func NewGate(o Options) *Gate {
	return &Gate{
		options: o, passwords: newPasswords(), sessions: newSessions(), tries: newTries(), provider: newProvider(),
	}
}

// Use puts a configuration into force.
func (g *Gate) Use(cfg *config.Config) { g.rules.Store(newRules(cfg)) }

// Routes lists the login and the logout.
func (g *Gate) Routes() []api.Route {
	return []api.Route{
		{Pattern: "GET /login", Right: api.Anybody, Handler: http.HandlerFunc(g.showLogin)},
		{Pattern: "POST /login", Right: api.Anybody, Handler: http.HandlerFunc(g.logIn)},
		{Pattern: "POST /logout", Right: api.Anybody, Handler: http.HandlerFunc(g.logOut)},
		{Pattern: "GET " + providerPath, Right: api.Anybody, Handler: http.HandlerFunc(g.askProvider)},
		{Pattern: "GET " + providerPath + "/callback", Right: api.Anybody, Handler: http.HandlerFunc(g.hearProvider)},
	}
}

// Identify returns who asks. An error, which is a [*Refusal], says that somebody claims to be who
// they are not; the visitor is then nobody. It takes the headers that name users out of the
// request, so that nothing behind it can believe them.
func (g *Gate) Identify(r *http.Request) (*api.Visitor, error) {
	rules := g.rules.Load()
	if rules == nil {
		return &api.Visitor{Groups: []config.GroupID{}}, nil
	}
	named, isNamed := rules.takeProxyUser(r)
	if !isPrivate(r) {
		return rules.nobody(), nil
	}
	if isNamed {
		return rules.visitor(named), nil
	}
	if v, err := g.identifyProgram(rules, r); v != nil || err != nil {
		return orNobody(v, rules), err
	}
	if user, ok := g.sessions.find(rules, rules.cookieOf(r, sessionCookie)); ok {
		return rules.visitor(user), nil
	}
	if !rules.page.HasLogin() && onLoopback(r) {
		return &api.Visitor{Rights: []api.Right{api.See, api.Metrics}}, nil
	}
	return rules.nobody(), nil
}

func orNobody(v *api.Visitor, rules *rules) *api.Visitor {
	if v == nil {
		return rules.nobody()
	}
	return v
}

// CanLogIn reports whether the page has a login that whoever asks could use.
func (g *Gate) CanLogIn(r *http.Request) bool {
	rules := g.rules.Load()
	return rules != nil && isPrivate(r) && (len(rules.users) > 0 || rules.page.OIDC.Issuer != "")
}

// KnowsUsers reports whether whoever asks could show who they are in some other way, too: by a
// token, or to the proxy.
func (g *Gate) KnowsUsers(r *http.Request) bool {
	rules := g.rules.Load()
	return rules != nil && isPrivate(r) && (rules.page.HasLogin() || len(rules.page.Tokens) > 0)
}

// clientOf returns the address that asks. What a proxy says of it is believed when the proxy is
// trusted, or runs on this machine.
func (r *rules) clientOf(request *http.Request) netip.Addr {
	peer := peerOf(request)
	forwarded := request.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 || !peer.IsLoopback() && !r.trusts(peer) {
		return peer
	}
	return lastForwarded(forwarded, r.trusts, peer)
}

func peerOf(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// secureOrigin reports whether the browser that asks has a connection with TLS: to the daemon,
// or to a proxy that is reached by public_url.
func (r *rules) secureOrigin(request *http.Request) bool {
	return request.TLS != nil ||
		r.public != nil && r.public.Scheme == "https" && hostOf(request.Host) == r.public.Hostname()
}

// hostOf returns the host of a Host header, without its port.
func hostOf(host string) string { return (&url.URL{Host: host}).Hostname() }
