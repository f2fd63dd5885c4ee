package history

import (
	"context"
	"database/sql"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
)

// A Point is what the probes of a check came to in a step of time.
type Point struct {
	At                          time.Time // when the step begins
	N                           int       // probes
	OK, Degraded, Down, Unknown int       // of them
	// Percentiles of the good conversations, by phase, right to three per cent; 0: nothing
	// was measured.
	P50, P95, P99 config.PhaseTimes
	Max           time.Duration // the longest good conversation
}

// Points returns what the probes of a check came to in a window, a point for each step in which
// there was one.
func (s *Store) Points(ctx context.Context, check config.CheckID, from, to time.Time, step time.Duration) (list []Point, err error) {
	err = s.read(ctx, func(context.Context, *sql.DB) error { return nil })
	return list, err
}

// A Ghost is how long the phases of a conversation with an address usually take: the medians
// of what is kept of the last 7 days.
type Ghost struct {
	Address netip.Addr
	N       int // conversations
	Median  config.PhaseTimes
}

// Ghost returns how long conversations with the addresses of a check usually take.
func (s *Store) Ghost(ctx context.Context, check config.CheckID) (list []Ghost, err error) {
	err = s.read(ctx, func(context.Context, *sql.DB) error { return nil })
	return list, err
}

// A Certificate is one that an address has shown.
type Certificate struct {
	Address             netip.Addr
	SHA256              string
	First, Last         time.Time // when it was first and last seen
	NotBefore, NotAfter time.Time
	Subject, Issuer     string
}

// Certificates returns the certificates that the addresses of a check have shown, the first
// seen first.
func (s *Store) Certificates(ctx context.Context, check config.CheckID) (list []Certificate, err error) {
	const query = `SELECT addr, sha256, first, last, not_before, not_after, subject, issuer FROM cert
		WHERE chk IN (SELECT id FROM chk WHERE name = ?) ORDER BY first, addr`
	err = s.read(ctx, func(ctx context.Context, db *sql.DB) error {
		return eachRow(ctx, db, query, []any{string(check)}, func(scan scanner) error {
			var c Certificate
			var addr string
			var first, last, notBefore, notAfter sql.NullInt64
			err := scan(&addr, &c.SHA256, &first, &last, &notBefore, &notAfter, &c.Subject, &c.Issuer)
			c.Address, _ = netip.ParseAddr(addr)
			c.First, c.Last, c.NotBefore, c.NotAfter = moment(first), moment(last), moment(notBefore), moment(notAfter)
			list = append(list, c)
			return err
		})
	})
	return list, err
}
