package hclfile

import (
	"crypto/tls"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// checkTerms looks at what attributes of a check mean together.
func (l *loader) checkTerms(t *terms, here *level, server *serverNode) bool {
	before := len(l.findings)
	l.checkSecurity(t, here)
	l.checkDurations(t, here)
	l.checkTLS(t, here)
	l.checkLogin(t, here)
	for _, f := range l.findings[before:] {
		if f.rule.gravity == config.Error {
			return false
		}
	}
	return true
}

// blame finds where to point: at the first of the attributes that the check
// itself wrote, else at the check, with the chain of inheritance.
func (t *terms) blame(here *level, names ...string) (hcl.Range, string) {
	at, chain, found := here.at, "", false
	for _, name := range names {
		o, ok := t.from.of(name)
		switch {
		case !ok:
		case o.level == here && !found:
			at, found = o.at, true
		case o.level != here:
			chain += o.chain(name)
		}
	}
	return at, chain
}

func (l *loader) checkSecurity(t *terms, here *level) {
	if t.probe.Security == "" {
		at, chain := t.blame(here, "port")
		l.report(ruleSecurity, at, "Nothing says how connections to port %d are encrypted. Write security = \"tls\", \"starttls\" or \"none\".%s", t.probe.Port, chain)
		return
	}
	if t.probe.Security != config.Plain {
		return
	}
	if t.probe.Login != (config.Login{}) {
		at, chain := t.blame(here, "security", "login.username", "login.password")
		l.report(rulePlainLogin, at, "A login would send its password readable for everybody on the way. Use security = \"tls\" or \"starttls\", or leave the login out.%s", chain)
	}
	if o, ok := t.from.of("tls.ca_file"); ok && o.level == here {
		l.report(ruleUnusedTLS, o.at, "With security = \"none\" there is no certificate to verify.")
	}
}

func (l *loader) checkDurations(t *terms, here *level) {
	p := &t.probe
	if p.Timeout > p.Interval {
		at, chain := t.blame(here, "timeout", "interval")
		l.report(ruleTimeout, at, "A probe would still run when the next is due: timeout is %q and interval is %q.%s", config.FormatDuration(p.Timeout), config.FormatDuration(p.Interval), chain)
	}
	if p.RetryInterval > p.Interval {
		at, chain := t.blame(here, "retry_interval", "interval")
		l.report(ruleRetryInterval, at, "Failures would be confirmed more slowly than they are found: retry_interval is %q and interval is %q.%s", config.FormatDuration(p.RetryInterval), config.FormatDuration(p.Interval), chain)
	}
}

func (l *loader) checkTLS(t *terms, here *level) {
	c := &t.probe.TLS
	if c.ExpiryWarning != 0 && c.ExpiryCritical > c.ExpiryWarning {
		at, chain := t.blame(here, "tls.expiry_critical", "tls.expiry_warning")
		l.report(ruleExpiry, at, "The certificate would be critical before it is a warning: expiry_critical is %q and expiry_warning is %q.%s", config.FormatDuration(c.ExpiryCritical), config.FormatDuration(c.ExpiryWarning), chain)
	}
	at, chain := t.blame(here, "tls.key_file", "tls.cert_file")
	l.checkKeyPair(c.Cert, c.Key, at, chain)
}

// checkKeyPair sees to it that a certificate has its own key.
func (l *loader) checkKeyPair(cert config.Blob, key opaque.Secret, at hcl.Range, chain string) {
	if cert.IsZero() != key.IsZero() {
		l.report(ruleKeyPair, at, "A certificate needs its key: write both cert_file and key_file.%s", chain)
		return
	}
	if cert.IsZero() || l.snapshot.options.NoCredentials {
		return
	}
	if _, err := tls.X509KeyPair([]byte(cert.Text()), []byte(key.Reveal())); err != nil {
		l.report(ruleKeyPair, at, "The key in key_file is not the one of the certificate in cert_file.%s", chain)
	}
}

func (l *loader) checkLogin(t *terms, here *level) {
	login := &t.probe.Login
	if *login == (config.Login{}) {
		return
	}
	if complaint := incomplete(login, t.probe.TLS); complaint != "" {
		at, chain := t.blame(here, "login.username", "login.password", "login.mechanism", "login.mailbox", "login.token", "login.token_url")
		l.report(ruleLogin, at, "%s%s", complaint, chain)
	}
}

// incomplete says what a login lacks.
func incomplete(login *config.Login, c config.TLS) string {
	oauth := !login.Token.IsZero() || login.TokenURL != ""
	switch {
	case !login.Token.IsZero() && login.TokenURL != "":
		return "token and token_url are two ways to one thing. Leave one of them out."
	case !login.Password.IsZero() && oauth:
		return "A password and an OAuth token do not go together. Leave one of them out."
	case login.TokenURL != "" && (login.ClientID == "" || login.ClientSecret.IsZero()):
		return "token_url needs client_id and client_secret."
	case login.TokenURL == "" && (login.ClientID != "" || !login.ClientSecret.IsZero() || login.Scopes != ""):
		return "client_id, client_secret and scopes are for token_url, which is missing."
	}
	return incompleteMechanism(login, c, oauth)
}

func incompleteMechanism(login *config.Login, c config.TLS, oauth bool) string {
	switch m := login.Mechanism; m {
	case "EXTERNAL":
		if c.Cert.IsZero() {
			return "EXTERNAL logs in with a client certificate: write cert_file and key_file in a tls block."
		}
		return ""
	case "XOAUTH2", "OAUTHBEARER":
		if !oauth {
			return fmt.Sprintf("%s needs token or token_url.", m)
		}
	case "PLAIN", "LOGIN", "SCRAM-SHA-256":
		if login.Password.IsZero() {
			return fmt.Sprintf("%s needs a password.", m)
		}
	}
	switch {
	case login.Username == "":
		return "username is missing."
	case login.Password.IsZero() && !oauth:
		return "A password is missing, or a token for OAuth."
	}
	return ""
}
