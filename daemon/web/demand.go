package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/web/access"
)

// claimKey is the key under which a context holds why somebody is not who they claim to be.
type claimKey struct{}

func withClaim(ctx context.Context, wrong error) context.Context {
	return context.WithValue(ctx, claimKey{}, wrong)
}

// demand lets only visitors with a right through, and whole requests.
func (s *Server) demand(right api.Right, h http.Handler) http.Handler {
	most := int64(mostBody)
	if right == api.Anybody {
		most = mostFormBody
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !api.VisitorOf(r.Context()).May(right) {
			s.turnAway(w, r)
			return
		}
		if right != api.Anybody {
			w.Header().Set("Cache-Control", "no-store") // unless the handler knows better
		}
		if err := readBody(w, r, most); err != nil {
			api.WriteProblem(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// readBody reads the body of a request into memory, within readTime: a handler that streams
// for hours must not be ended by the deadline for reading, which net/http keeps looking at.
func readBody(w http.ResponseWriter, r *http.Request, most int64) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(readTime)) // fails only for what is no connection
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return api.NewProblem(http.StatusRequestEntityTooLarge, "A request has at most "+strconv.FormatInt(large.Limit, 10)+" bytes.")
	}
	if err != nil {
		return api.NewProblem(http.StatusBadRequest, "The request did not come to its end.")
	}
	_ = connection.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// turnAway answers a visitor who may not do this, with what would help.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request) {
	visitor := api.VisitorOf(r.Context())
	wrong, _ := r.Context().Value(claimKey{}).(error)
	refusal, claimed := errors.AsType[*access.Refusal](wrong)
	switch {
	case claimed:
		if refusal.Wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(refusal.Wait.Seconds())))
		}
		s.refuse(w, r, refusal.Status, refusal.Error())
	case visitor.Name != "":
		s.refuse(w, r, http.StatusForbidden, "The user or token "+strconv.Quote(visitor.Name)+" does not have the right to do this.")
	case s.gate.CanLogIn(r) && api.WantsPage(r):
		http.Redirect(w, r, "/login?next="+url.QueryEscape(pageOf(r)), http.StatusSeeOther)
	case s.gate.KnowsUsers(r):
		s.refuse(w, r, http.StatusUnauthorized, "Log in first, or send a token.")
	case len(visitor.Rights) > 0:
		s.refuse(w, r, http.StatusForbidden, "Without a login, everybody who reaches this page may look, and no more. Set page { users_file, operators } or page { tokens_file }.")
	default:
		s.refuse(w, r, http.StatusForbidden, "Only what is public is shown here. For the rest, the daemon needs a certificate and users: set page { cert_file, key_file, users_file }.")
	}
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	if status == http.StatusUnauthorized {
		// Not Basic: a browser would ask for a password itself, in the middle of our page.
		w.Header().Set("WWW-Authenticate", `Bearer realm="imapvigil"`)
	}
	api.WriteProblem(w, r, api.NewProblem(status, detail))
}

// pageOf returns the page that somebody is on who asks for something that needs a login.
func pageOf(r *http.Request) string {
	if r.Method == http.MethodGet {
		return r.URL.RequestURI()
	}
	return "/" // our pages send no Referer
}
