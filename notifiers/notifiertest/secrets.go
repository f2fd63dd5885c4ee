package notifiertest

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// shows reports whether a text holds a secret, as it is or in a form in which it crosses
// a wire.
func shows(text, secret string) bool {
	if secret == "" {
		return false
	}
	quoted, _ := json.Marshal(secret) // a string can be written
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), string(quoted[1 : len(quoted)-1]),
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	// Basic has a user before the secret (RFC 7617 section 2), AUTH PLAIN too.
	for _, encoded := range base64Like.FindAllString(text, -1) {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if plain, _ := encoding.DecodeString(encoded); strings.Contains(string(plain), secret) {
				return true
			}
		}
	}
	return false
}

var base64Like = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}`)
