package config

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// checkAttributes are the attributes of an imap_check that [Compare] looks at,
// under the names of the language and in the order of its manual. A test holds
// it against the fields of Check, so that none is forgotten.
var checkAttributes = slices.Concat([]checkAttribute{
	{"label", func(c *Check) string { return c.Label }},
	{"description", func(c *Check) string { return c.Description }},
	{"runbook", func(c *Check) string { return c.Runbook }},
	{"hostname", func(c *Check) string { return c.Probe.Hostname }},
	{"port", func(c *Check) string { return strconv.Itoa(int(c.Probe.Port)) }},
	{"security", func(c *Check) string { return string(c.Probe.Security) }},
	{"interval", func(c *Check) string { return FormatDuration(c.Probe.Interval) }},
	{"timeout", func(c *Check) string { return FormatDuration(c.Probe.Timeout) }},
	{"fault_tolerance", func(c *Check) string { return FormatDuration(c.Policy.FaultTolerance) }},
	{"recovery_tolerance", func(c *Check) string { return FormatDuration(c.Policy.RecoveryTolerance) }},
	{"reopen_within", func(c *Check) string { return FormatDuration(c.Policy.ReopenWithin) }},
	{"retry_interval", func(c *Check) string { return FormatDuration(c.Probe.RetryInterval) }},
	{"notification_roles", func(c *Check) string { return list(c.Roles, roleReference) }},
	{"remind", func(c *Check) string { return FormatDuration(c.Policy.Remind) }},
	{"proxy_protocol", func(c *Check) string { return string(c.Probe.ProxyProtocol) }},
	{"slo", func(c *Check) string { return percent(c.Policy.SLO) }},
	{"server", func(c *Check) string { return string(c.Server) }},
	{"group", func(c *Check) string { return groupReference(c.Path) }},
	{"addresses", func(c *Check) string { return string(c.Probe.Addresses) }},
	{"enabled", func(c *Check) string { return strconv.FormatBool(c.Enabled) }},
	{"expect_greeting", func(c *Check) string { return c.Probe.ExpectGreeting }},
	{"require_capabilities", func(c *Check) string { return words(c.Probe.RequireCapabilities) }},
	{"depends_on", func(c *Check) string { return list(c.DependsOn, Ref.String) }},
	{"nodes", func(c *Check) string { return unlessNone(c.Quorum.Nodes) }},
	{"agree", func(c *Check) string { return unlessNone(c.Quorum.Agree) }},
	{"locations", func(c *Check) string { return places(c.Quorum.Locations) }},
}, thresholdAttributes(), []checkAttribute{
	{"tls.server_name", func(c *Check) string { return c.Probe.TLS.ServerName }},
	{"tls.ca_file", func(c *Check) string { return c.Probe.TLS.CA.String() }},
	{"tls.pin_sha256", func(c *Check) string { return words(c.Probe.TLS.PinSHA256) }},
	{"tls.min_version", func(c *Check) string { return tlsVersion(c.Probe.TLS.MinVersion) }},
	{"tls.expiry_warning", func(c *Check) string { return unlessZero(c.Probe.TLS.ExpiryWarning) }},
	{"tls.expiry_critical", func(c *Check) string { return unlessZero(c.Probe.TLS.ExpiryCritical) }},
	{"tls.cert_file", func(c *Check) string { return c.Probe.TLS.Cert.String() }},

	{"login.username", func(c *Check) string { return c.Probe.Login.Username }},
	{"login.mechanism", func(c *Check) string { return c.Probe.Login.Mechanism }},
	{"login.mailbox", func(c *Check) string { return c.Probe.Login.Mailbox }},
	{"login.every", func(c *Check) string { return unlessZero(c.Probe.Login.Every) }},
	{"login.token_url", func(c *Check) string { return c.Probe.Login.TokenURL }},
	{"login.client_id", func(c *Check) string { return c.Probe.Login.ClientID }},
	{"login.scopes", func(c *Check) string { return words(c.Probe.Login.Scopes) }},
})

// A checkAttribute is one attribute of an imap_check, and its value as users write it.
type checkAttribute struct {
	name  string
	value func(*Check) string
}

// thresholdAttributes returns the attributes of a thresholds block.
func thresholdAttributes() (list []checkAttribute) {
	for p := range LimitedPhases() {
		list = append(list, checkAttribute{"thresholds." + p.TimeKey(), func(c *Check) string { return unlessZero(c.Probe.Thresholds[p]) }})
	}
	return list
}

// checkSecrets are the attributes whose values are never shown.
var checkSecrets = []struct {
	name  string
	value func(*Check) opaque.Secret
}{
	{"tls.key_file", func(c *Check) opaque.Secret { return c.Probe.TLS.Key }},
	{"login.password", func(c *Check) opaque.Secret { return c.Probe.Login.Password }},
	{"login.token", func(c *Check) opaque.Secret { return c.Probe.Login.Token }},
	{"login.client_secret", func(c *Check) opaque.Secret { return c.Probe.Login.ClientSecret }},
}

// String returns a reference as users write it: server.mx1, imap_check["mx1/imaps"].
func (r Ref) String() string {
	switch {
	case r.Group != "":
		return groupReference([]GroupID{r.Group})
	case r.Server != "":
		return Reference("server", string(r.Server))
	case r.Check != "":
		return Reference("imap_check", string(r.Check))
	}
	return ""
}

// Reference returns how an expression names a block: with dots where the names
// are HCL identifiers, by index where they are not.
func Reference(root string, names ...string) string {
	for _, name := range names {
		if isIdentifier(name) { // group.1and1 would be a syntax error
			root += "." + name
		} else {
			root += fmt.Sprintf("[%q]", name)
		}
	}
	return root
}

func isIdentifier(name string) bool {
	for i, r := range name {
		// An identifier of HCL may have a hyphen in it, and not begin with one. HCL knows
		// more letters than these, and names of blocks do not.
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return name != ""
}

func groupReference(path []GroupID) string {
	if len(path) == 0 {
		return ""
	}
	// The last id holds the whole path: europe/germany.
	return Reference("group", strings.Split(string(path[len(path)-1]), "/")...)
}

func roleReference(id RoleID) string { return Reference("notification_role", string(id)) }

func list[T any](items []T, write func(T) string) string {
	written := make([]string, len(items))
	for i, item := range items {
		written[i] = write(item)
	}
	return "[" + strings.Join(written, ", ") + "]"
}

func words(joined string) string {
	if joined == "" {
		return ""
	}
	return "[" + strings.ReplaceAll(joined, " ", ", ") + "]"
}

// unlessNone returns a number of nodes; "" without a cluster.
func unlessNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// places returns the locations in which a check is probed; "" for all.
func places(locations []string) string {
	if len(locations) == 0 {
		return ""
	}
	return list(locations, func(place string) string { return place })
}

func percent(p float64) string {
	if p == 0 { // not written: 0 percent cannot be promised
		return ""
	}
	return strconv.FormatFloat(p, 'f', -1, 64)
}

func unlessZero(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return FormatDuration(d)
}

func tlsVersion(v uint16) string {
	switch v {
	case 0, tls.VersionTLS12: // 0: not written, which means the same
		return "1.2"
	case tls.VersionTLS13:
		return "1.3"
	}
	return tls.VersionName(v)
}

// An AttributeValue is one attribute of the language with its value as users write it.
// Secrets are "(sensitive)", files are their content's hash, and what is not set is empty.
type AttributeValue struct{ Name, Value string }

// quorumAttributes are those that have a meaning in a cluster only.
var quorumAttributes = []string{"nodes", "agree", "locations"}

// Attributes lists what holds for a check, in the order of the manual: what it says
// itself, what it inherits, and the defaults.
func Attributes(c *Check) []AttributeValue {
	var list []AttributeValue
	for _, a := range checkAttributes {
		if c.Quorum.Nodes > 0 || !slices.Contains(quorumAttributes, a.name) {
			list = append(list, AttributeValue{a.name, a.value(c)})
		}
	}
	for _, s := range checkSecrets {
		secret := AttributeValue{Name: s.name}
		if value := s.value(c); !value.IsZero() {
			secret.Value = value.String()
		}
		// A secret stands among the attributes of its block.
		block, _, _ := strings.Cut(s.name, ".")
		last := len(list)
		for i, a := range list {
			if strings.HasPrefix(a.Name, block+".") {
				last = i + 1
			}
		}
		list = slices.Insert(list, last, secret)
	}
	return list
}
