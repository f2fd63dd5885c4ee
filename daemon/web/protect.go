package web

import (
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/web/access"
	"github.com/imapvigil/imapvigil/daemon/web/pages"
)

// policy is what a browser may load and do on our pages. Nothing comes from elsewhere, no script
// stands in a page, and text becomes markup only in the one place that the policy "server" names.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types server"

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// protect puts before all routes what holds for every request: which hosts and origins may ask,
// and in which form. Behind it, the context of a request says who asks.
func (s *Server) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		now := s.settings.Load()
		ctx := api.WithProblemPage(r.Context(), func(w http.ResponseWriter, r *http.Request, p *api.Problem) {
			pages.WriteFault(w, r, now.config, pages.Fault{Status: p.Status, Text: p.Detail})
		})
		d, _ := ctx.Value(doorKey{}).(*door)
		ctx = access.WithEntrance(ctx, access.Entrance{Loopback: d != nil && d.isLoopback()})
		ctx = api.WithVisitor(ctx, &api.Visitor{Groups: []config.GroupID{}}) // who is refused is nobody
		r = r.WithContext(ctx)
		if problem := now.refuse(r); problem != nil {
			api.WriteProblem(w, r, problem)
			return
		}
		visitor, wrong := s.gate.Identify(r)
		ctx = api.WithVisitor(ctx, visitor)
		next.ServeHTTP(w, r.WithContext(withClaim(ctx, wrong)))
	})
}

// refuse returns why a request is not for this server, whoever asks; nil: it is.
func (s *settings) refuse(r *http.Request) *api.Problem {
	if !s.isOurHost(r) {
		return api.NewProblem(http.StatusMisdirectedRequest,
			"The status page does not have this host name. If it should, set daemon { public_url }.")
	}
	if err := s.origins.Check(r); err != nil {
		return api.NewProblem(http.StatusForbidden, "Another site sent this request. Only pages of this host may do so, and those of public_url.")
	}
	if r.Method == http.MethodPost && r.ContentLength != 0 && !isPlainForm(r) {
		return api.NewProblem(http.StatusUnsupportedMediaType, "A request has JSON or a form (application/x-www-form-urlencoded).")
	}
	return nil
}

// isOurHost reports whether a request names a host that is ours. A page of another site can have
// the browser ask us under its own name (DNS rebinding), and would be of the same origin then.
func (s *settings) isOurHost(r *http.Request) bool {
	host := strings.TrimSuffix(strings.ToLower((&url.URL{Host: r.Host}).Hostname()), ".")
	if host == "" {
		return r.ProtoMajor == 1 && r.ProtoMinor == 0 // which browsers do not speak
	}
	if host == "localhost" || s.hosts[host] {
		return true
	}
	// An address cannot be rebound; it is ours where the request came in.
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	at, ok := local.(*net.TCPAddr)
	return ok && (at.AddrPort().Addr().Unmap() == address.Unmap() || at.IP.IsLoopback() && address.IsLoopback())
}

// isPlainForm reports whether the body of a request is of a type that we read.
func isPlainForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && (media == "application/json" || media == "application/x-www-form-urlencoded")
}
