package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	moments "github.com/imapvigil/imapvigil/config/moment"
)

// maxAsked is how many bytes a request to do something may have.
const maxAsked = 64 << 10

// asked is what a request to do something says, as JSON or as the fields of a form.
type asked struct {
	Reason string `json:"reason"`
	Until  string `json:"until"` // RFC 3339, or as people type it: "2h", "tomorrow 08:00"
	Text   string `json:"text"`
	Public bool   `json:"public"`

	Scope // of a silence: check, server, group or role
	// Within is the scope as the answers show it.
	Within *Scope `json:"scope"`
}

// readAsked reads a request to do something. form: it is the form of a page, whose sender wants to
// be shown a page again.
func readAsked(w http.ResponseWriter, r *http.Request) (in asked, form bool, err error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	r.Body = http.MaxBytesReader(w, r.Body, maxAsked)
	switch {
	case err == nil && kind == "application/x-www-form-urlencoded":
		in, err = readForm(r)
		return in, !accepts(r, "application/json"), err
	case err == nil && kind == "application/json", r.ContentLength == 0, r.Header.Get("Content-Type") == "":
		err = readJSON(r.Body, &in)
	default:
		err = NewProblem(http.StatusUnsupportedMediaType, "what is to be done is written as application/json, or sent as a form")
	}
	if in.Within != nil {
		in.Scope = *in.Within
	}
	return in, false, asBadRequest(err)
}

// readJSON reads a body that may be empty. A key that is not known is an error: its sender expects
// something of it.
func readJSON(body io.Reader, in *asked) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(in); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the request: %w", err)
	}
	return nil
}

func readForm(r *http.Request) (in asked, err error) {
	if err := r.ParseForm(); err != nil {
		return in, asBadRequest(fmt.Errorf("reading the form: %w", err))
	}
	public := r.PostFormValue("public")
	in = asked{
		Reason: r.PostFormValue("reason"), Until: r.PostFormValue("until"), Text: r.PostFormValue("text"),
		Public: public != "" && public != "false" && public != "0",
	}
	in.Check, in.Server, in.Group, in.Role = textOf(r, "check", in.Check), textOf(r, "server", in.Server), textOf(r, "group", in.Group), textOf(r, "role", in.Role)
	return in, nil
}

// textOf returns a field of a form, as a name of the type of another one.
func textOf[T ~string](r *http.Request, field string, _ T) T { return T(r.PostFormValue(field)) }

// asBadRequest makes a problem of an error of reading, unless it is one.
func asBadRequest(err error) error {
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return NewProblem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", large.Limit))
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	return badRequest(err)
}

// readUntil reads a time in the future, by the clocks of the page; an empty text is no time.
func readUntil(text string, s view) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	m, err := moments.Until(text, s.At.In(s.Config.PageZone()))
	if err != nil {
		return time.Time{}, badRequest(fmt.Errorf("until: %w", err))
	}
	return m.At, nil
}

// backTo returns where the sender of a form is sent: to the page that the form names, or that it
// stood on, or else to another one. It never leads to another site.
func backTo(r *http.Request, otherwise string) string {
	if back := r.PostFormValue("back"); isOwnPath(back) {
		return back
	}
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && isOwnPath(from.RequestURI()) {
		return from.RequestURI()
	}
	return otherwise
}

// isOwnPath reports whether a reference is a path of this site: "//host" is another one, and
// browsers take "\" for "/".
func isOwnPath(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "" && u.Host == "" && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && !strings.ContainsAny(text, "\\\r\n\t")
}
