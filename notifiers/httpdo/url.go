package httpdo

import (
	"errors"
	"net/url"
	"strings"

	"github.com/imapvigil/imapvigil/config/names"
)

// ParseURL reads a URL that secrets may be sent to: https, or http to this machine. The
// error never shows the URL, which may be a secret.
func ParseURL(text string) (*url.URL, error) {
	u, err := ParsePlainURL(text)
	if err == nil && isExposed(u) {
		return nil, errors.New("http:// is for loopback hosts only: use https://") // the host may be a secret, too
	}
	return u, err
}

// isExposed reports whether others can read the requests to a URL: http, and not to this
// machine.
func isExposed(u *url.URL) bool { return u.Scheme == "http" && !names.IsLoopback(u.Hostname()) }

// IsExposed reports whether others can read the requests to a URL: http, and not to this
// machine.
func IsExposed(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isExposed(u)
}

// ParsePlainURL reads a URL as [ParseURL] does, and lets http lead anywhere, for requests
// that hold no secret.
func ParsePlainURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "":
		// The error of url.Parse quotes the whole URL.
		return nil, errors.New("it is not a URL such as https://host/path")
	case u.Hostname() == "":
		return nil, errors.New("it names no host: write https://host/path")
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return nil, errors.New("it has to begin with https://")
	case u.User != nil && isExposed(u):
		return nil, errors.New("with http:// its password could be read on the network: use https://")
	}
	return u, nil
}

// Secrets returns the parts of a URL that must not come back in a server's words: paths
// of webhooks are passwords, and servers like to repeat them.
func Secrets(u *url.URL) []string {
	secrets := []string{u.String(), u.RequestURI()}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	// Both spellings: a server repeats the path as it came, or decoded.
	for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
		secrets = appendLongEnough(secrets, segment)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		secrets = appendLongEnough(secrets, segment)
	}
	for _, values := range u.Query() {
		// Query has decoded the values; an answer may have them as they were sent.
		for _, value := range values {
			secrets = appendLongEnough(secrets, value, url.QueryEscape(value))
		}
	}
	return secrets
}

// appendLongEnough adds candidates without those that are too short for a secret, such
// as "api", "v1", "hooks": answers hold these by chance.
func appendLongEnough(secrets []string, candidates ...string) []string {
	for _, text := range candidates {
		if len(text) >= 8 {
			secrets = append(secrets, text)
		}
	}
	return secrets
}
