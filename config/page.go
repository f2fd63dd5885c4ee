package config

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// History is how long what was measured is kept, and how large it may become.
type History struct {
	Detail    time.Duration // each probe
	Hourly    time.Duration // the sums of an hour
	Daily     time.Duration // the sums of a day
	Incidents time.Duration // what happened
	MaxSize   int64         // of the database, in bytes
}

// Page is what the status page shows, and to whom.
type Page struct {
	Title        string
	Zone         *time.Location // of its days, bars and reports; nil: the daemon's
	Users        []PageUser     // of users_file, in its order; without users_file there are none
	Operators    []string       // users who may test, acknowledge, silence and note
	Tokens       []PageToken    // of tokens_file, in its order
	Cert         Blob
	Key          opaque.Secret
	PublicGroups []GroupID
	Metrics      PageMetrics
	// ProbeAny lets /probe ask hosts that no check declares; it needs a token.
	ProbeAny     bool
	Access       []Access // in the order of their names
	TrustedProxy TrustedProxy
	OIDC         OIDC
}

// HasLogin reports whether people can show who they are: as a user, through a proxy or
// with OpenID.
func (p *Page) HasLogin() bool {
	return len(p.Users) > 0 || p.TrustedProxy.NamesUsers() || p.OIDC.Issuer != ""
}

// A PageUser is a line of users_file.
type PageUser struct {
	Name string
	Hash opaque.Secret // bcrypt, as "$2y$10$..."
}

// A PageToken is a line of tokens_file: a program that may ask without logging in.
type PageToken struct {
	Name   string
	Right  TokenRight
	SHA256 [sha256.Size]byte // of the token; it is never printed
}

// Format keeps the sum out of logs and messages: a token that a person made up can be
// found from it.
func (t PageToken) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, t.Name+" ("+string(t.Right)+")")
}

// MarshalText keeps encoders from looking inside.
func (t PageToken) MarshalText() ([]byte, error) { return fmt.Append(nil, t), nil }

// TokenRight is what a token may do.
type TokenRight string

// The rights of tokens_file. Each but the first holds the one before it.
const (
	TokenMetrics TokenRight = "metrics" // /metrics and /probe
	TokenRead    TokenRight = "read"    // look
	TokenOperate TokenRight = "operate" // test, acknowledge, silence and note
)

// PageMetrics says how much /metrics tells.
type PageMetrics string

// The values of page.metrics.
const (
	MetricsFull    PageMetrics = "full"
	MetricsSummary PageMetrics = "summary" // no phases and no addresses
	MetricsOff     PageMetrics = "off"
)

// Access narrows what some users see to some groups.
type Access struct {
	Name   string
	Users  []string
	Groups []GroupID
	Pos    Pos
}

// A TrustedProxy logs users in and names them in headers, or says only for whom it asks;
// without From there is none.
type TrustedProxy struct {
	From         []netip.Prefix // the addresses whose headers are believed
	UserHeader   string         // empty: it names no users
	GroupsHeader string         // empty: no groups
}

// NamesUsers reports whether the proxy logs users in.
func (t *TrustedProxy) NamesUsers() bool { return len(t.From) > 0 && t.UserHeader != "" }

// OIDC is the OpenID provider that users log in with; without Issuer there is none.
type OIDC struct {
	Issuer       string
	ClientID     string
	ClientSecret opaque.Secret
	GroupsClaim  string
}

// A Report is sent by email when a period is over.
type Report struct {
	Name   string
	Every  ReportPeriod
	Group  GroupID        // empty: everything
	Zone   *time.Location // nil: the page's
	Roles  []RoleID       // sent by their email destinations
	Public bool           // labels only, as on the public page
	Pos    Pos
}

// ReportPeriod is how often a report is made, and of how long a time.
type ReportPeriod string

// The values of report.every.
const (
	EveryWeek    ReportPeriod = "week" // from Monday
	EveryMonth   ReportPeriod = "month"
	EveryQuarter ReportPeriod = "quarter"
)

// An Announcement is a notice on the page.
type Announcement struct {
	Name   string
	From   time.Time
	Until  time.Time
	Kind   AnnouncementKind
	Groups []GroupID // empty: it concerns everything
	Text   string
	Pos    Pos
}

// AnnouncementKind says how an announcement is shown.
type AnnouncementKind string

// The values of announcement.kind.
const (
	AnnounceInfo        AnnouncementKind = "info"
	AnnounceMaintenance AnnouncementKind = "maintenance"
	AnnounceOutage      AnnouncementKind = "outage"
)

// A Correction says what a period counts as afterwards. Every report lists it.
type Correction struct {
	Name       string
	AppliesTo  []Ref
	Start, End time.Time
	CountAs    CountAs
	Reason     string
	Pos        Pos
}

// CountAs is what a period counts as.
type CountAs string

// The values of correction.count_as.
const (
	CountMaintenance CountAs = "maintenance"
	CountUp          CountAs = "up"
	CountDown        CountAs = "down"
	CountUnknown     CountAs = "unknown"
)

// IsLoopback reports whether only this machine can reach what listens on an address, as
// host and port. A name other than localhost may mean any address.
func IsLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || host == "localhost"
}

// IsOpenAt reports whether whoever reaches the page at an address sees all of it without
// logging in: only this machine can reach it there, and nobody could log in.
func (p *Page) IsOpenAt(listen string) bool { return IsLoopback(listen) && !p.HasLogin() }

// Unfit returns in sentences why the page must not be served at an address; "" where it may.
// Others on the network show who they are over an encrypted connection, or see what is
// public. The address may come from the command line, of which the files know nothing.
func (p *Page) Unfit(listen string) string {
	asks := p.HasLogin() || len(p.Tokens) > 0
	switch {
	case listen == "", IsLoopback(listen):
		return ""
	case asks && p.Cert.IsZero():
		return "Others on the network can reach this address and could read the passwords and tokens that are sent to it. Write cert_file and key_file in page, or listen on 127.0.0.1 behind a reverse proxy that speaks HTTPS; see imapvigil-page(7)."
	case !asks && len(p.PublicGroups) == 0:
		return "Others on the network can reach this address, and nothing says who may see the page. Write in page users_file with cert_file and key_file, or public_groups for what everybody may see; or listen on 127.0.0.1. See imapvigil-page(7)."
	}
	return ""
}

// PageZone returns the zone of the days, bars and reports of the page.
func (c *Config) PageZone() *time.Location {
	if c.Page.Zone != nil {
		return c.Page.Zone
	}
	return c.Daemon.Location()
}
