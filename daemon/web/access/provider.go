package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

const (
	providerPath = "/login/oidc"
	// providerTime is how long one answer of the provider may take.
	providerTime = 10 * time.Second
	// loginTime is how long somebody may take to log in at the provider.
	loginTime  = 10 * time.Minute
	mostLogins = 1000 // under way at once
	// longestReason bounds what is logged of an answer of the provider, which may be a page.
	longestReason = 500
)

// A provider is the OpenID provider. It is asked for the first time when somebody logs in, so it
// may be down when the daemon starts. None of its tokens is kept.
type provider struct {
	client *http.Client

	mu     sync.Mutex
	issuer string         // of known
	known  *oidc.Provider // nil: it has not been asked yet
	logins map[[sha256.Size]byte]login
}

// A login is under way at the provider. It is found by the SHA-256 of its state.
type login struct {
	nonce, verifier, next string
	until                 time.Time
}

func newProvider() *provider {
	return &provider{
		// Logins are rare: no connection is kept for the next one.
		client: &http.Client{Timeout: providerTime, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}},
		logins: map[[sha256.Size]byte]login{},
	}
}

// discover returns what the provider says of itself. It asks once, and again after an error.
func (p *provider) discover(ctx context.Context, issuer string) (*oidc.Provider, error) {
	p.mu.Lock()
	known := p.known
	if p.issuer != issuer {
		known = nil
	}
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	known, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.issuer, p.known = issuer, known
	return known, nil
}

// begin notes a login that is under way, and returns its state.
func (p *provider) begin(l login) (state string) {
	now := time.Now()
	l.until = now.Add(loginTime)
	state = randomText()
	p.mu.Lock()
	defer p.mu.Unlock()
	for sum, other := range p.logins {
		if now.After(other.until) {
			delete(p.logins, sum)
		}
	}
	if len(p.logins) >= mostLogins {
		clear(p.logins) // somebody floods us; whoever was about to log in begins again
	}
	p.logins[sha256.Sum256([]byte(state))] = l
	return state
}

// take returns a login that is under way, once.
func (p *provider) take(state string) (l login, ok bool) {
	sum := sha256.Sum256([]byte(state))
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok = p.logins[sum]
	delete(p.logins, sum)
	return l, ok && time.Now().Before(l.until)
}

func randomText() string {
	random := make([]byte, sessionBytes)
	_, _ = rand.Read(random) // it never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(random)
}

// settingsFor returns how the provider is asked for a login.
func (r *rules) settingsFor(request *http.Request, known *oidc.Provider) *oauth2.Config {
	o := r.page.OIDC
	scopes := []string{oidc.ScopeOpenID, "profile", "email"}
	var offers struct {
		Scopes []string `json:"scopes_supported"`
	}
	if err := known.Claims(&offers); err == nil && o.GroupsClaim != "" && slices.Contains(offers.Scopes, "groups") {
		scopes = append(scopes, "groups")
	}
	return &oauth2.Config{
		ClientID: o.ClientID, ClientSecret: o.ClientSecret.Reveal(), Endpoint: known.Endpoint(), Scopes: scopes,
		RedirectURL: r.baseURL(request) + providerPath + "/callback",
	}
}

// baseURL returns how the page is reached: as public_url says, or as the browser asked. The host
// that it asked for is one of ours.
func (r *rules) baseURL(request *http.Request) string {
	switch {
	case r.public != nil:
		return r.public.Scheme + "://" + r.public.Host
	case request.TLS != nil:
		return "https://" + request.Host
	}
	return "http://" + request.Host
}

// askProvider sends the browser to the provider.
func (g *Gate) askProvider(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rules, known, ok := g.providerFor(w, r)
	if !ok {
		return
	}
	l := login{nonce: randomText(), verifier: oauth2.GenerateVerifier(), next: pathOnly(r.URL.Query().Get("next"))}
	state := g.provider.begin(l)
	http.SetCookie(w, rules.newCookie(r, stateCookie, state, loginTime))
	to := rules.settingsFor(r, known).AuthCodeURL(state, oidc.Nonce(l.nonce), oauth2.S256ChallengeOption(l.verifier))
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // it leads to the provider, as it should
}

// providerFor returns the provider, or says why there is none.
func (g *Gate) providerFor(w http.ResponseWriter, r *http.Request) (*rules, *oidc.Provider, bool) {
	rules, ok := g.rulesFor(w, r)
	if !ok {
		return nil, nil, false
	}
	if rules.page.OIDC.Issuer == "" {
		g.options.ShowFault(w, r, rules.config, Refusal{Status: http.StatusNotFound})
		return nil, nil, false
	}
	ctx, cancel := g.provider.context(r)
	defer cancel()
	known, err := g.provider.discover(ctx, rules.page.OIDC.Issuer)
	if err != nil {
		g.refuseProvider(w, r, rules.config, err)
		return nil, nil, false
	}
	return rules, known, true
}

func (p *provider) context(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), providerTime)
	return oidc.ClientContext(ctx, p.client), cancel
}

// refuseProvider says that a login with the provider failed. What the provider said is for whoever
// runs the daemon.
func (g *Gate) refuseProvider(w http.ResponseWriter, r *http.Request, cfg *config.Config, err error) {
	if g.options.Log != nil {
		g.options.Log("somebody could not log in with OpenID", errors.New(opaque.Bounded(err.Error(), longestReason)))
	}
	g.options.ShowFault(w, r, cfg, Refusal{
		Status: http.StatusBadGateway, Title: "The login with OpenID did not work.",
		Text: "Try again. The log of imapvigil says what the provider answered.",
	})
}

// hearProvider takes what the provider says of whoever logged in there.
func (g *Gate) hearProvider(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rules, known, ok := g.providerFor(w, r)
	if !ok {
		return
	}
	state := r.URL.Query().Get("state")
	cookie := rules.cookieOf(r, stateCookie)
	http.SetCookie(w, rules.newCookie(r, stateCookie, "", 0))
	l, begun := g.provider.take(state)
	// Without the cookie the link may be somebody else's, who wants this browser to be theirs.
	if !begun || subtle.ConstantTimeCompare([]byte(cookie), []byte(state)) != 1 {
		g.options.ShowFault(w, r, rules.config, Refusal{
			Status: http.StatusBadRequest, Title: "This login cannot go on.",
			Text: "It took more than ten minutes, or began in another browser. Begin again.",
		})
		return
	}
	u, err := g.provider.redeem(r, rules, known, l)
	if err != nil {
		g.refuseProvider(w, r, rules.config, err)
		return
	}
	g.enter(w, r, rules, u, true, l.next)
}

// redeem changes the code of the provider into who it is.
func (p *provider) redeem(r *http.Request, rules *rules, known *oidc.Provider, l login) (u user, err error) {
	if refused := r.URL.Query().Get("error"); refused != "" {
		return u, fmt.Errorf("the provider refused: %q", refused)
	}
	ctx, cancel := p.context(r)
	defer cancel()
	token, err := rules.settingsFor(r, known).Exchange(ctx, r.URL.Query().Get("code"), oauth2.VerifierOption(l.verifier))
	if err != nil {
		return u, fmt.Errorf("changing the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return u, errors.New("the provider sent no id_token")
	}
	said, err := known.Verifier(&oidc.Config{ClientID: rules.page.OIDC.ClientID}).Verify(ctx, raw)
	if err != nil {
		return u, fmt.Errorf("checking the id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(said.Nonce), []byte(l.nonce)) != 1 {
		return u, errors.New("the id_token is for another login")
	}
	claims := claims{}
	if err := said.Claims(&claims); err != nil {
		return u, fmt.Errorf("reading the id_token: %w", err)
	}
	if claim := rules.page.OIDC.GroupsClaim; claim != "" && claims[claim] == nil && known.UserInfoEndpoint() != "" {
		if err := claims.add(ctx, known, token, claim); err != nil {
			return u, err // without groups somebody could see more than with them
		}
	}
	return claims.user(said.Subject, rules.page.OIDC.GroupsClaim)
}

// claims are what a provider says of a user.
type claims map[string]any

// add asks the provider for a claim that its id_token lacks: some say groups only there.
func (c claims) add(ctx context.Context, known *oidc.Provider, token *oauth2.Token, claim string) error {
	info, err := known.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("asking for the groups: %w", err)
	}
	// OpenID Connect Core 1.0, section 5.3.2: else somebody else's answer was put in its place.
	if info.Subject != c["sub"] {
		return errors.New("the provider answers about somebody else")
	}
	var more claims
	if err := info.Claims(&more); err != nil {
		return fmt.Errorf("reading the groups: %w", err)
	}
	c[claim] = more[claim]
	return nil
}

// user returns who it is: preferred_username, or else an address that the provider has verified,
// or else the subject.
func (c claims) user(subject, groupsClaim string) (u user, err error) {
	u.name, _ = c["preferred_username"].(string)
	if verified, _ := c["email_verified"].(bool); u.name == "" && verified {
		u.name, _ = c["email"].(string)
	}
	if u.name == "" {
		u.name = subject
	}
	if u.name == "" {
		return u, errors.New("the id_token names nobody")
	}
	switch groups := c[groupsClaim].(type) {
	case string:
		u.groups = []string{groups}
	case []any:
		for _, g := range groups {
			if text, ok := g.(string); ok {
				u.groups = append(u.groups, text)
			}
		}
	}
	return u, nil
}
