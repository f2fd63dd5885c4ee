package history

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

const (
	// sameCertificate is how long a certificate may be away and still be one stretch of the
	// timeline: the machines behind one address may show different ones in turn.
	sameCertificate = 7 * 24 * time.Hour
	// certificatesEvery is how often is written when certificates were last seen.
	certificatesEvery = time.Hour
	// maxCertificates of an address are remembered at a time.
	maxCertificates = 8
)

// A shownCertificate is one that an address shows.
type shownCertificate struct {
	sha256              string
	subject, issuer     string
	notBefore, notAfter int64
	first, last         int64
	written             int64 // the last that the file knows; 0: it does not know the certificate
}

// noteCertificate notes that an address has shown a certificate.
func (a *address) noteCertificate(t *incident.TLSInfo, at int64) {
	oldest := 0
	for i, c := range a.certs {
		if c.sha256 == t.SHA256 {
			c.last = at
			return
		}
		if c.last < a.certs[oldest].last {
			oldest = i
		}
	}
	c := &shownCertificate{
		sha256: t.SHA256, subject: t.Subject, issuer: t.Issuer, notBefore: milli(t.NotBefore), notAfter: milli(t.NotAfter), first: at, last: at,
	}
	if len(a.certs) < maxCertificates {
		a.certs = append(a.certs, c)
	} else {
		a.certs[oldest] = c
	}
}

// A seenCertificate is what is to be written of one.
type seenCertificate struct {
	check config.CheckID
	addr  string
	shownCertificate
	of *shownCertificate
}

// unwrittenCertificates lists the certificates that the file does not know, and, if all is set,
// those that were seen since. It lets others in between.
func (s *Store) unwrittenCertificates(all bool) (list []seenCertificate) {
	s.eachWatched(func(id config.CheckID, c *watched) {
		for _, a := range c.addresses {
			for _, shown := range a.certs {
				if shown.written == 0 || all && shown.written != shown.last {
					list = append(list, seenCertificate{id, a.ip.String(), *shown, shown})
				}
			}
		}
	})
	return list
}

func (s *Store) forgetCertificates(written []seenCertificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range written {
		written[i].of.written = written[i].last
	}
}

// writeCertificate writes when a certificate was seen: as a stretch of its own if it was away
// for long.
func (w *writer) writeCertificate(c change, s *seenCertificate) error {
	r, err := w.ensureRow(c, s.check, "", s.first)
	if err != nil {
		return err
	}
	first := s.first
	var begun, last int64
	err = c.QueryRowContext(c.ctx, "SELECT first, last FROM cert WHERE chk = ? AND addr = ? AND sha256 = ? ORDER BY first DESC LIMIT 1",
		r.id, s.addr, s.sha256).Scan(&begun, &last)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case first-last < sameCertificate.Milliseconds():
		first = begun
	}
	return c.do("INSERT INTO cert VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
		r.id, s.addr, s.sha256, first, s.last, s.notBefore, s.notAfter, s.subject, s.issuer)
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
			c, err := scanCertificate(scan)
			list = append(list, c)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	s.addLastSeen(check, list)
	return list, nil
}

func scanCertificate(scan scanner) (c Certificate, err error) {
	var addr string
	var first, last, notBefore, notAfter sql.NullInt64
	err = scan(&addr, &c.SHA256, &first, &last, &notBefore, &notAfter, &c.Subject, &c.Issuer)
	c.Address, _ = netip.ParseAddr(addr)
	c.First, c.Last, c.NotBefore, c.NotAfter = moment(first), moment(last), moment(notBefore), moment(notAfter)
	return c, err
}

// addLastSeen puts in when certificates were last seen, which is written once an hour.
func (s *Store) addLastSeen(check config.CheckID, list []Certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.input.checks[check]
	if c == nil {
		return
	}
	for _, a := range c.addresses {
		for _, shown := range a.certs {
			for i := len(list) - 1; i >= 0; i-- { // the newest stretch of it
				if list[i].Address == a.ip && list[i].SHA256 == shown.sha256 {
					list[i].Last = time.UnixMilli(max(shown.last, list[i].Last.UnixMilli())).UTC()
					break
				}
			}
		}
	}
}
