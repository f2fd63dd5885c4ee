package hclfile

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/opaque"
)

// A combination is the attributes of one check, as far as they have to go together.
type combination struct {
	*diagnose.Findings
	*terms
	here     *level // the check itself
	keysRead bool
}

// fits reports whether the attributes go together; what does not has been reported.
func (c combination) fits() bool {
	before := c.Errors()
	c.checkSecurity()
	c.checkDurations()
	c.checkTLS()
	c.checkLogin()
	return c.Errors() == before
}

// blame reports what does not go together: at the first of the attributes that
// the check itself wrote, with what it inherits; else at the check, once for all
// checks that inherit the same.
func (c combination) blame(r *rule, attributes []string, format string, args ...any) {
	text, own := fmt.Sprintf(format, args...), (*hcl.Range)(nil)
	for _, name := range attributes {
		o, ok := c.from.of(name)
		switch {
		case !ok:
		// What it inherits is not to be changed here, so it is told and not pointed at.
		case o.level != c.here:
			text += fmt.Sprintf(" It inherits %s from %s, at %s.", name, o.level.what, diagnose.FirstAt(o.expr.Range()))
		case own == nil:
			at := o.expr.Range()
			own = &at
		}
	}
	if own != nil {
		c.Report(r, *own, "%s", text)
		return
	}
	c.Gather(r, c.here.at, "%s", text)
}

func (c combination) checkSecurity() {
	// A value that is wrong was reported; what it means beside others is not known.
	if !c.usable("security", "port") {
		return
	}
	if c.Probe.Security == "" {
		which := complaint{fmt.Sprintf("port %d", c.Probe.Port), "this port"}
		c.blame(ruleSecurity, []string{"port"}, "The default encryption of connections to %s is not known. Write security = \"tls\", \"starttls\" or \"none\".", which.says(c.shown("port")))
		return
	}
	if c.Probe.Security != config.Plain {
		return
	}
	if c.Probe.Login != (config.Login{}) {
		c.blame(rulePlainLogin, []string{"security", "login.username", "login.password"}, "The login would send the password unencrypted. Use security = \"tls\" or \"starttls\", or remove the login block.")
	}
	for _, a := range tlsTable {
		if o, ok := c.from.of("tls." + a.name); ok && o.level == c.here {
			c.Report(ruleUnusedTLS, o.expr.Range(), "With security = \"none\" there is no certificate to verify, so this has no effect.")
			return
		}
	}
}

func (c combination) checkDurations() {
	p := &c.Probe
	if p.Timeout > p.Interval && c.usable("timeout", "interval") {
		c.blame(ruleTimeout, []string{"timeout", "interval"}, "A probe must end before the next is due: %s.", c.longer("timeout", p.Timeout, "interval", p.Interval))
	}
	if p.RetryInterval > p.Interval && c.usable("retry_interval", "interval") {
		c.blame(ruleRetryInterval, []string{"retry_interval", "interval"}, "retry_interval must not be longer than interval: %s.", c.longer("retry_interval", p.RetryInterval, "interval", p.Interval))
	}
}

// longer returns that one duration is longer than another, as a part of a sentence.
func (t *terms) longer(name string, d time.Duration, than string, limit time.Duration) string {
	short, shortThan := strings.TrimPrefix(name, "tls."), strings.TrimPrefix(than, "tls.")
	return complaint{
		fmt.Sprintf("%s is %q and %s is %q", short, config.FormatDuration(d), shortThan, config.FormatDuration(limit)),
		short + " is longer than " + shortThan,
	}.says(t.shown(name, than))
}

func (c combination) checkTLS() {
	tls := &c.Probe.TLS
	if !c.usable("tls.") {
		return
	}
	if tls.ExpiryWarning != 0 && tls.ExpiryCritical > tls.ExpiryWarning {
		c.blame(ruleExpiry, []string{"tls.expiry_critical", "tls.expiry_warning"}, "expiry_critical must not be longer than expiry_warning: %s.", c.longer("tls.expiry_critical", tls.ExpiryCritical, "tls.expiry_warning", tls.ExpiryWarning))
	}
	if complaint := notAKeyPair(tls.Cert, tls.Key, c.keysRead); complaint != "" {
		c.blame(ruleKeyPair, []string{"tls.key_file", "tls.cert_file"}, "%s", complaint)
	}
}

// notAKeyPair returns why a certificate and a key cannot be used together, or "".
func notAKeyPair(cert config.Blob, key opaque.Secret, keysRead bool) string {
	switch {
	case cert.IsZero() != key.IsZero():
		return "A certificate needs its key: write both cert_file and key_file."
	case cert.IsZero() || !keysRead || key == opaque.NewSecret(unreadSecret):
		return ""
	}
	_, err := tls.X509KeyPair([]byte(cert.Text()), []byte(key.Reveal()))
	switch {
	case err == nil:
		return ""
	case strings.Contains(err.Error(), "failed to parse private key"):
		// The rest of the error may quote the key.
		return "The key in key_file is of a kind that cannot be used. RSA, ECDSA and Ed25519 can, in the form PRIVATE KEY (PKCS #8)."
	}
	return "The key in key_file is not the one of the certificate in cert_file." + laterCertificate(cert, key)
}

// laterCertificate returns that the key is the one of a later certificate of a file, or
// "": the server's or client's own comes first (RFC 8446 section 4.4.2).
func laterCertificate(cert config.Blob, key opaque.Secret) string {
	for rest, n := []byte(cert.Text()), 1; ; n++ {
		if _, err := tls.X509KeyPair(rest, []byte(key.Reveal())); err == nil && n > 1 {
			return fmt.Sprintf(" It is the one of certificate number %d there. Write that one first, then its issuers.", n)
		}
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return ""
		}
	}
}

func (c combination) checkLogin() {
	login := &c.Probe.Login
	if *login == (config.Login{}) || !c.usable("login.", "tls.") {
		return
	}
	if complaint := incomplete(login, c.Probe.TLS); complaint != "" {
		c.blame(ruleLogin, loginAttributes, "%s", complaint)
	}
}

// loginAttributes are the places to point at when a login is incomplete.
var loginAttributes = []string{"login.mechanism", "login.token_url", "login.token", "login.client_id", "login.username", "login.password", "login.mailbox", "login.every"}

// incomplete returns what a login lacks, or "".
func incomplete(login *config.Login, c config.TLS) string {
	oauth := !login.Token.IsZero() || login.TokenURL != ""
	switch {
	case !login.Token.IsZero() && login.TokenURL != "":
		return "token and token_url must not both be set. Remove one of them."
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
