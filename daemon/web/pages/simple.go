package pages

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/imapvigil/imapvigil/config"
)

// A Fault is why a page cannot be shown.
type Fault struct {
	Status int
	Title  string // one sentence; empty: the usual one of the status
	Text   string // what can be done
}

// faultTitles say what the status of an answer means to people.
var faultTitles = map[int]Fault{
	http.StatusBadRequest:          {Title: "This address cannot be right.", Text: "Look for a typing error in it."},
	http.StatusForbidden:           {Title: "You may not see or do this.", Text: "Log in as somebody who may, or ask the administrator of this page."},
	http.StatusNotFound:            {Title: "There is no such page.", Text: "The check or incident may have been removed, or it has another name now."},
	http.StatusMethodNotAllowed:    {Title: "This cannot be done here.", Text: "Go back, and use the buttons of the page."},
	http.StatusConflict:            {Title: "This was not done.", Text: "What you saw may have changed meanwhile."},
	http.StatusTooManyRequests:     {Title: "That was too often.", Text: "Wait a minute, and try again."},
	http.StatusInternalServerError: {Title: "This page could not be made.", Text: "The daemon goes on watching and notifying. Its log says more."},
	http.StatusServiceUnavailable:  {Title: "The daemon does not answer now.", Text: "It is starting, stopping, or very busy. Try again in a minute."},
}

// WriteFault shows why a page cannot be shown.
func WriteFault(w http.ResponseWriter, r *http.Request, cfg *config.Config, fault Fault) {
	usual := faultTitles[fault.Status]
	if fault.Title == "" {
		fault.Title = usual.Title
	}
	if fault.Title == "" {
		fault.Title = http.StatusText(fault.Status)
	}
	if fault.Text == "" {
		fault.Text = usual.Text
	}
	fault.Text = sentence(fault.Text)
	f := newFrame(r, cfg, "", fault.Title)
	f.Content = fault
	show(w, r, fault.Status, "error", f)
}

// sentence writes words of an error, which may be part of a longer one, as a sentence.
func sentence(words string) string {
	if words == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(words)
	words = string(unicode.ToUpper(first)) + words[size:]
	if !strings.HasSuffix(words, ".") && !strings.HasSuffix(words, "!") && !strings.HasSuffix(words, "?") {
		words += "."
	}
	return words
}

// A Login is what the page of the login shows.
type Login struct {
	Users        bool   // there is a file of users, so the form is shown
	Provider     string // the host of the OpenID provider; empty: none
	ProviderPath string // where the login with it begins
	Next         string // the path to return to
	User         string // who has tried
	Wrong        string // why the last try failed; empty: there was none
}

// WriteLogin shows the login. The form posts user, password and next to /login.
func WriteLogin(w http.ResponseWriter, r *http.Request, cfg *config.Config, login Login) {
	f := newFrame(r, cfg, "", "Log in")
	f.Nav, f.User, f.canLogIn = nil, "", false
	status := http.StatusOK
	if f.Content = login; login.Wrong != "" {
		status, f.State = http.StatusUnauthorized, "down"
	}
	show(w, r, status, "login", f)
}
