package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/httpclient"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// tokens keeps OAuth access tokens until they expire, so that the token
// endpoint is asked as seldom as a mail program asks it.
type tokens struct {
	client *http.Client

	mu   sync.Mutex
	kept map[tokenSource]opaqueToken
}

// tokenSource is whose token it is, RFC 6749 section 4.4.
type tokenSource struct {
	url, id, scopes string
	secret          opaque.Secret
}

type opaqueToken struct {
	token   opaque.Secret
	expires time.Time // zero: not said
}

const (
	tokenSlack = time.Minute // a token is renewed this long before it expires
	tokenKept  = time.Hour   // one without an expiry is kept this long
)

func sourceOf(login config.Login) tokenSource {
	return tokenSource{login.TokenURL, login.ClientID, login.Scopes, login.ClientSecret}
}

// tokenFor returns a token, from memory or from the endpoint. An error is that of the request;
// see tokenFailure.
func (t *tokens) tokenFor(ctx context.Context, source tokenSource) (opaque.Secret, error) {
	t.mu.Lock()
	kept, ok := t.kept[source]
	t.mu.Unlock()
	if ok && time.Now().Before(kept.expires) {
		return kept.token, nil
	}
	// Without the lock: an endpoint that hangs must not keep other accounts from their tokens.
	fetched, err := t.fetchToken(ctx, source)
	if err != nil {
		return opaque.Secret{}, err
	}
	kept = opaqueToken{opaque.NewSecret(fetched.AccessToken), fetched.Expiry.Add(-tokenSlack)}
	if fetched.Expiry.IsZero() {
		kept.expires = time.Now().Add(tokenKept)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[tokenSource]opaqueToken{}
	}
	t.kept[source] = kept
	return kept.token, nil
}

// dropToken forgets a token that a server refused.
func (t *tokens) dropToken(source tokenSource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kept, source)
}

func (t *tokens) fetchToken(ctx context.Context, source tokenSource) (*oauth2.Token, error) {
	client := t.client
	if client == nil {
		client = httpclient.New(httpclient.Options{}) // without idle connections, for which nobody would care
	}
	ctx, cancel := context.WithTimeout(ctx, httpclient.Patience)
	defer cancel()
	credentials := clientcredentials.Config{
		ClientID: source.id, ClientSecret: source.secret.Reveal(),
		TokenURL: source.url, Scopes: strings.Fields(source.scopes),
	}
	return credentials.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
}

// tokenFailure returns the failure that an error of the token endpoint means. A refusal is the
// account's, since somebody has to mend it; an endpoint that cannot be reached says nothing about
// the IMAP server.
func tokenFailure(err error) *failure {
	const phase = config.PhaseLogin
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	// 429 asks for patience and says nothing about the client's secret.
	if ok && refused.Response != nil && refused.Response.StatusCode/100 == 4 && refused.Response.StatusCode != http.StatusTooManyRequests {
		words := strings.TrimSpace(refused.ErrorCode + " " + refused.ErrorDescription)
		return accountFailure(phase, config.CauseTokenRefused, fmt.Sprintf("The token endpoint refuses the client (HTTP status %d): an expired client secret is the usual reason.", refused.Response.StatusCode)).
			withEvidence(words)
	}
	f := accountFailure(phase, config.CauseTokenUnavailable, "The token endpoint cannot be reached or fails, so no login was tried; that is not the IMAP server's fault.")
	f.health = incident.Unknown
	if ok && refused.Response != nil {
		return f.withEvidence(fmt.Sprintf("HTTP status %d", refused.Response.StatusCode))
	}
	return f.withEvidence(plainReason(err))
}

// plainReason returns an HTTP client's error without the URL, which may hold
// anything.
func plainReason(err error) string {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err.Error()
}
