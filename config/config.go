package config

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"time"

	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Identities. All of them are the names that users write.
type (
	// CheckID is "server/check" for a check inside a server block, else its
	// bare name. Groups are no part of it, so a move between groups keeps
	// history and incidents.
	CheckID string
	// ServerID is the name of a server, unique in the whole configuration.
	ServerID string
	// GroupID is the path of names from the top, "europe/germany".
	GroupID string
	// RoleID is the name of a notification_role.
	RoleID string
	// NotifierID is "kind.name", as in a reference: "email.mailroom".
	NotifierID string
	// ScheduleID is the name of a schedule.
	ScheduleID string
)

// Config is one whole valid configuration.
type Config struct {
	Daemon      Daemon
	Cluster     *Cluster // nil: this machine is on its own
	Checks      map[CheckID]*Check
	Servers     map[ServerID]*Server
	Groups      map[GroupID]*Group
	Roles       map[RoleID]*Role
	Notifiers   map[NotifierID]*Notifier
	Schedules   map[ScheduleID]*Schedule
	Maintenance []Maintenance
	Moved       []Move
	History     History
	Page        Page
	Reports     []Report
	// Announcements are notices on the page.
	Announcements []Announcement
	Corrections   []Correction
	// LoginLeftOut are the checks whose login is written but cannot be used just
	// now: nothing is observed of their accounts. Only a salvaged Config has any.
	LoginLeftOut map[CheckID]bool
	// Incomplete reports that blocks are left out that cannot be used just now. Only
	// a salvaged Config is.
	Incomplete bool
	// Digest is the SHA-256, in hex, of every byte that counts: the files and
	// what they name.
	Digest string
	// CommonDigest is that of what all nodes of a cluster have in common: without credentials,
	// private keys and the node's own certificate.
	CommonDigest string
}

// Daemon is what the daemon block says.
type Daemon struct {
	StateDir            string
	Control             string
	Listen              string
	ListenPos           Pos // zero: nobody has chosen the address
	PublicURL           string
	LogLevel            string
	Zone                *time.Location // of the times that people read; nil: the machine's
	MaxConcurrentProbes int
	Reload              ReloadMode
	Roles               []RoleID // who hears of the monitor's own trouble
	SelfCheck           []string // host:port
	HeartbeatURL        opaque.Secret
	Pos                 Pos
}

// ZoneFor returns the zone in which the members of a role read times: the role's own, or
// else the daemon's, or else the machine's. A role that does not exist has none of its own.
func (c *Config) ZoneFor(role RoleID) *time.Location {
	if r, ok := c.Roles[role]; ok && r.Zone != nil {
		return r.Zone
	}
	return c.Daemon.Location()
}

// Location returns the zone in which people read times: that of the daemon block, or else
// the machine's.
func (d *Daemon) Location() *time.Location {
	if d.Zone != nil {
		return d.Zone
	}
	return time.Local
}

// ReloadMode says when changed files are applied.
type ReloadMode string

// The modes of daemon.reload.
const (
	ReloadAuto     ReloadMode = "auto"
	ReloadExplicit ReloadMode = "explicit"
)

// A Group is a node of the tree of groups.
type Group struct {
	ID    GroupID
	Label string
	Pos   Pos
}

// A Server is a machine with one or more checks.
type Server struct {
	ID        ServerID
	Label     string
	Hostname  string
	Path      []GroupID // outermost first
	DependsOn []Ref
	Pos       Pos
}

// A Check is one imap_check with everything it inherits.
type Check struct {
	ID          CheckID
	Label       string
	Description string
	Runbook     string
	Server      ServerID  // empty for a check outside servers
	Path        []GroupID // outermost first
	Enabled     bool
	Probe       Probe
	Policy      Policy
	Quorum      Quorum
	Roles       []RoleID // notification_roles and also_notify, each once
	DependsOn   []Ref
	Pos         Pos
}

// GroupNames returns the names of the groups that the check is in, outermost first.
func (c *Check) GroupNames() []string {
	names := make([]string, 0, len(c.Path))
	for _, g := range c.Path {
		names = append(names, path.Base(string(g)))
	}
	return names
}

// A Ref names a group, a server or a check; exactly one field is set.
type Ref struct {
	Group  GroupID
	Server ServerID
	Check  CheckID
}

// Security is how a connection becomes encrypted.
type Security string

// The ways a connection is secured.
const (
	TLSFromStart Security = "tls"
	StartTLS     Security = "starttls"
	Plain        Security = "none"
)

// AddressPolicy says which addresses of a name are probed.
type AddressPolicy string

// The policies of the attribute addresses.
const (
	AllAddresses AddressPolicy = "all"
	AnyAddress   AddressPolicy = "any"
	IPv4Only     AddressPolicy = "ipv4"
	IPv6Only     AddressPolicy = "ipv6"
)

// ProxyProtocol is the version of the header that tells a server behind a proxy
// who connects; empty: none is sent.
type ProxyProtocol string

// The versions of the PROXY protocol.
const (
	ProxyV1 ProxyProtocol = "v1" // a line of text
	ProxyV2 ProxyProtocol = "v2" // binary
)

// Probe is all that a probe needs to know. It is comparable, and alone decides
// whether a check's goroutine is restarted: a comment, a label, a role or a
// policy restarts nothing. Lists are sorted, joined strings; what a file holds
// is a Blob.
type Probe struct {
	Hostname            string
	Port                uint16
	Security            Security
	Addresses           AddressPolicy
	ProxyProtocol       ProxyProtocol
	Interval            time.Duration
	Timeout             time.Duration // one conversation with one address, DNS to LOGOUT
	RetryInterval       time.Duration // end of one probe to start of the next while confirming
	ExpectGreeting      string
	RequireCapabilities string // upper case, sorted, joined by a space
	TLS                 TLS
	Login               Login
	Thresholds          PhaseTimes // above which a phase counts as slow; 0: none
}

// The compiler's word that a Probe is comparable.
var _ map[Probe]struct{}

// TLS is how a server's identity is verified. There is no way to skip it.
type TLS struct {
	ServerName     string        // empty: the check's hostname
	CA             Blob          // PEM, instead of the system's roots
	PinSHA256      string        // base64 SHA-256 of SPKIs, sorted, joined by a space
	MinVersion     uint16        // as in crypto/tls; 0: TLS 1.2
	ExpiryWarning  time.Duration // 0: the smaller of 21 days and a third of the lifetime
	ExpiryCritical time.Duration // 0: the smaller of 3 days and a tenth of the lifetime
	Cert           Blob          // PEM of a client certificate
	Key            opaque.Secret // PEM of its key
}

// Login is an account that a probe logs in with; the zero Login means none.
type Login struct {
	Username     string
	Password     opaque.Secret
	Mechanism    string        // empty: the best that both offer
	Mailbox      string        // EXAMINEd when set
	Every        time.Duration // 0: each probe
	Token        opaque.Secret
	TokenURL     string
	ClientID     string
	ClientSecret opaque.Secret
	Scopes       string // sorted, joined by a space
}

// Policy is when a failure becomes an incident, and when it ends. It belongs
// to the tracker; changing it restarts no probe.
type Policy struct {
	FaultTolerance    time.Duration
	RecoveryTolerance time.Duration
	ReopenWithin      time.Duration // 0: always a new incident
	Remind            time.Duration // 0: never
	SLO               float64       // percent; 0: none
}

// RemindEvery returns how often the message about an incident of a severity is repeated;
// 0: never. What is only degraded can wait until the next day.
func (p Policy) RemindEvery(s Severity) time.Duration {
	if p.Remind == 0 || s == SeverityDown {
		return p.Remind
	}
	return max(p.Remind, leastRemindDegraded)
}

const leastRemindDegraded = 24 * time.Hour

// A Role is people, and how they are told.
type Role struct {
	ID    RoleID
	Label string
	Zone  *time.Location // of the times in its messages; nil: the daemon's
	// NotifyTest is how often its destinations get a test message, EveryWeek or EveryMonth;
	// empty: never.
	NotifyTest ReportPeriod
	Notify     []Notify
	Pos        Pos
}

// A Notify is one notify block (one number of it, where each is told apart).
type Notify struct {
	ID       NotifyID
	Target   notifiers.Target
	After    time.Duration          // counted from when the incident was reported
	During   ScheduleID             // empty: always
	On       []notifiers.Transition // empty: the default of the language
	Severity Severity               // the least that is told
	// MentionSeverity is the least of which a message mentions somebody; empty: degraded.
	MentionSeverity Severity
	Conditions      Conditions // empty: all
	Pos             Pos
}

// NotifyID identifies a way by what it is, never by its place in a list.
type NotifyID struct {
	Role     RoleID     `json:"role"`
	Notifier NotifierID `json:"notifier"`
	Target   string     `json:"target,omitempty"`
}

// Severity of an incident.
type Severity string

// The severities, mildest first.
const (
	SeverityDegraded Severity = "degraded"
	SeverityDown     Severity = "down"
)

// A Notifier is a channel.
type Notifier struct {
	ID         NotifierID
	Settings   notifiers.Settings
	MaxPerHour int // 0: no bound
	// Subject and Text are templates (notifiers/wording) in the place of the built-in words;
	// empty: those.
	Subject, Text string
	Pos           Pos
}

// A Schedule is weekly windows in a time zone.
type Schedule struct {
	ID      ScheduleID
	Zone    *time.Location
	Windows []Window
	Except  []string // dates of the zone, like "2026-12-24", on which no window begins
	Pos     Pos
}

// A Window is one weekly span; To may lie on the next day when it is not after
// From. Minutes since midnight, 0..1440, on the wall clock of the zone.
type Window struct {
	Days     [7]bool // indexed by time.Weekday
	From, To int
}

// Maintenance is planned work on what it applies to.
type Maintenance struct {
	Name  string
	Zone  *time.Location
	Start time.Time // zero with weekly windows
	// Clock is what the clocks of the zone show at Start, or would if they were not
	// changed then, as if that were UTC.
	Clock    time.Time
	Duration time.Duration // of each occurrence
	RRule    string        // RFC 5545; empty: once
	Weekly   []Window
	// Except holds dates of the zone on which nothing is begun; they are taken out of a
	// time that is not repeated.
	Except    []string
	AppliesTo []Ref
	Pos       Pos
}

// A Move says that a check has a new id.
type Move struct {
	From CheckID `json:"from"`
	To   CheckID `json:"to"`
	Pos  Pos     `json:"-"`
}

// A Blob is the content of a file that a configuration names, comparable by
// value at the price of a pointer.
type Blob struct {
	text opaque.Secret
}

// NewBlob returns a Blob of content; empty content gives the zero Blob.
func NewBlob(content string) Blob { return Blob{opaque.NewSecret(content)} }

// IsZero reports whether no file was named.
func (b Blob) IsZero() bool { return b.text.IsZero() }

// Text returns the content.
func (b Blob) Text() string { return b.text.Reveal() }

// String returns the hash of the content, "sha256:" and 16 hex digits.
func (b Blob) String() string {
	if b.IsZero() {
		return ""
	}
	sum := sha256.Sum256([]byte(b.Text()))
	return "sha256:" + hex.EncodeToString(sum[:8])
}
