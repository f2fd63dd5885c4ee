package access

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The cookies of a session and of a login with a provider that is under way. A browser takes a
// name with __Host- only from the host itself and with TLS; without TLS, on loopback, there is
// no such protection, and the name says so.
const (
	sessionCookie = "iv"
	stateCookie   = "iv-login"
	hostPrefix    = "__Host-"
)

func (r *rules) newCookie(request *http.Request, name, value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(age.Seconds()),
	}
	if r.secureOrigin(request) {
		c.Name, c.Secure = hostPrefix+name, true
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// cookieOf returns what a cookie holds; empty: there is none. Where the browser has TLS, a cookie
// that could have been set without it counts for nothing.
func (r *rules) cookieOf(request *http.Request, name string) string {
	if r.secureOrigin(request) {
		name = hostPrefix + name
	}
	c, err := request.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// showLogin shows the form.
func (g *Gate) showLogin(w http.ResponseWriter, r *http.Request) {
	g.showForm(w, r, Form{Next: pathOnly(r.URL.Query().Get("next"))})
}

func (g *Gate) showForm(w http.ResponseWriter, r *http.Request, f Form) {
	w.Header().Set("Cache-Control", "no-store")
	rules, ok := g.rulesFor(w, r)
	if !ok {
		return
	}
	f.Users = len(rules.users) > 0
	if issuer, err := url.Parse(rules.page.OIDC.Issuer); err == nil && issuer.Host != "" {
		f.Provider = issuer.Host
		f.ProviderPath = providerPath + "?next=" + url.QueryEscape(f.Next)
	}
	g.options.ShowLogin(w, r, rules.config, f)
}

// rulesFor returns the rules in force for a login. Where the request may have been read by
// others, nobody logs in.
func (g *Gate) rulesFor(w http.ResponseWriter, r *http.Request) (*rules, bool) {
	rules := g.rules.Load()
	if rules == nil {
		http.Error(w, "imapvigil is starting.", http.StatusServiceUnavailable)
		return nil, false
	}
	if !isPrivate(r) {
		g.options.ShowFault(w, r, rules.config, Refusal{
			Status: http.StatusForbidden, Title: "Nobody can log in here: the connection has no TLS.",
			Text: "The administrator of imapvigil can set page { cert_file, key_file }, or put a proxy with TLS in front of it on the same machine.",
		})
		return nil, false
	}
	return rules, true
}

// logIn begins a session for a name and a password.
func (g *Gate) logIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rules, ok := g.rulesFor(w, r)
	if !ok {
		return
	}
	// Of the body alone: a password in the URL would stand in logs.
	name, password, next := r.PostFormValue("user"), r.PostFormValue("password"), pathOnly(r.PostFormValue("next"))
	if len(rules.users) == 0 {
		g.showForm(w, r, Form{Next: next})
		return
	}
	if wait := g.tries.take(rules.clientOf(r), time.Now()); wait > 0 {
		w.Header().Set("Retry-After", retryAfter(wait))
		g.options.ShowFault(w, r, rules.config, *tooOften(wait))
		return
	}
	if !g.passwords.isRight(r.Context(), rules, name, password) {
		g.showForm(w, r, Form{Next: next, User: name, Wrong: wrongPassword})
		return
	}
	g.enter(w, r, rules, user{name: name}, false, next)
}

// Limit lets each address ask a handler only as often as it may try to log in. What is asked
// does not count as a try to log in.
func (g *Gate) Limit(h http.Handler) http.Handler {
	asked := newTries()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rules := g.rules.Load()
		if rules == nil {
			http.Error(w, "imapvigil is starting.", http.StatusServiceUnavailable)
			return
		}
		if wait := asked.take(rules.clientOf(r), time.Now()); wait > 0 {
			w.Header().Set("Retry-After", retryAfter(wait))
			g.options.ShowFault(w, r, rules.config, Refusal{Status: http.StatusTooManyRequests, Text: "Wait " + wait.String() + ", and try again.", Wait: wait})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// enter begins a session and leads to where the visitor wanted to go.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request, rules *rules, u user, byProvider bool, next string) {
	g.sessions.end(rules.cookieOf(r, sessionCookie))
	http.SetCookie(w, rules.newCookie(r, sessionCookie, g.sessions.begin(rules, u, byProvider), longestLogin))
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // pathOnly let through only paths of this page
}

// logOut ends the session.
func (g *Gate) logOut(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	rules, ok := g.rulesFor(w, r)
	if !ok {
		return
	}
	g.sessions.end(rules.cookieOf(r, sessionCookie))
	http.SetCookie(w, rules.newCookie(r, sessionCookie, "", 0))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// pathOnly returns a path of this page that a login may lead to; "/" for anything else: a link
// to the login must not send people to another host.
func pathOnly(next string) string {
	u, err := url.Parse(next)
	// Browsers take a backslash for a slash, and leave out tabs and line ends.
	clean := strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsAny(next, "\\\t\r\n")
	if err != nil || !clean || u.Host != "" || u.Scheme != "" {
		return "/"
	}
	return next
}
