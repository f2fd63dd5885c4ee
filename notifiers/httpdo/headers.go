package httpdo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// JoinHeaders makes the attribute headers a comparable value: a JSON object,
// whose names are sorted. It checks nothing; [ParseHeaders] does.
func JoinHeaders(headers map[string]string) opaque.Secret {
	if len(headers) == 0 {
		return opaque.Secret{}
	}
	joined, err := json.Marshal(headers)
	if err != nil {
		panic(err) // a map of strings can be written
	}
	return opaque.NewSecret(string(joined))
}

// reserved are the headers that belong to the request itself, or sign it.
var reserved = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade",
	"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature",
}

// ParseHeaders reads what [JoinHeaders] made. The error names a header, never
// its value.
func ParseHeaders(joined opaque.Secret) (http.Header, error) {
	headers := http.Header{}
	if joined.IsZero() {
		return headers, nil
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(joined.Reveal()), &values); err != nil {
		// The error of package json can show a character of a secret.
		return nil, errors.New("headers: they are not as JoinHeaders writes them")
	}
	for name, value := range values {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return nil, fmt.Errorf("headers: %q is not the name of a header", name)
		// A line end would begin another header (RFC 9110 section 5.5).
		case !httpguts.ValidHeaderFieldValue(value):
			return nil, fmt.Errorf("headers: the value of %s has a character that HTTP forbids, such as a line end", name)
		case slices.Contains(reserved, http.CanonicalHeaderKey(name)):
			return nil, fmt.Errorf("headers: %s is set by imapvigil itself", name)
		}
		headers.Set(name, value)
	}
	return headers, nil
}

// HeaderSecrets returns the values that must not come back in a server's words, also
// without the scheme of an Authorization ("Bearer ...").
func HeaderSecrets(headers http.Header) (secrets []string) {
	for name, values := range headers {
		switch name {
		// These hold no secret, and a server may well name them in its answer.
		case "Content-Type", "Accept", "User-Agent":
			continue
		}
		for _, value := range values {
			secrets = append(secrets, value)
			if _, credentials, ok := strings.Cut(value, " "); ok {
				secrets = append(secrets, credentials)
			}
		}
	}
	return secrets
}
