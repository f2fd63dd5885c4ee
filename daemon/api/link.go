package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// LinkKeySize is the length of the key of links, in bytes.
const LinkKeySize = sha256.Size

// Links signs and reads links that acknowledge one incident. Whoever has such a link may do this
// and nothing else: no password could be asked of a person who is woken. The zero Links signs
// nothing and reads nothing.
type Links struct{ key []byte }

// NewLinks returns the links of a key of [LinkKeySize] random bytes.
func NewLinks(key []byte) Links { return Links{key} }

// Key returns the key, which is secret: the nodes of a cluster share one.
func (l Links) Key() []byte { return l.key }

// A Link is what a token of a link says.
type Link struct {
	Incident incident.ID
	Role     config.RoleID // to whom the link was sent
	Until    time.Time
}

// Token returns the token of a link, `INCIDENT.ROLE.UNTIL.MAC`; empty: there is no key.
func (l Links) Token(link Link) string {
	if len(l.key) != LinkKeySize {
		return ""
	}
	said := string(link.Incident) + "." + string(link.Role) + "." + strconv.FormatInt(link.Until.Unix(), 10)
	return said + "." + l.sign(said)
}

func (l Links) sign(said string) string {
	mac := hmac.New(sha256.New, l.key)
	_, _ = mac.Write([]byte("imapvigil acknowledges\n" + said)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Mark returns a short mark of a text that may be secret, the same for the same text after a restart, from which
// nobody learns the text; empty: there is no key.
func (l Links) Mark(text string) string {
	if len(l.key) != LinkKeySize {
		return ""
	}
	mac := hmac.New(sha256.New, l.key)
	_, _ = mac.Write([]byte("imapvigil compares\n" + text)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:9])
}

// Read returns what a token says. It is a problem if the token is not one of ours, or its time is over.
func (l Links) Read(token string, now time.Time) (link Link, err error) {
	end := strings.LastIndexByte(token, '.')
	// The texts are compared, not the bytes that they stand for: base64 has several texts for one MAC.
	if len(l.key) != LinkKeySize || end < 0 || !hmac.Equal([]byte(token[end+1:]), []byte(l.sign(token[:end]))) {
		return link, NewProblem(http.StatusNotFound, "This link is not one that imapvigil has sent, or a new key was made since. Acknowledge on the page of the incident, or with the command in the message.")
	}
	said := token[:end]
	id, rest, _ := strings.Cut(said, ".")
	last := strings.LastIndexByte(rest, '.')
	seconds, err := strconv.ParseInt(rest[last+1:], 10, 64)
	if last < 0 || err != nil {
		return link, NewProblem(http.StatusNotFound, "This link is not one that imapvigil has sent.")
	}
	link = Link{incident.ID(id), config.RoleID(rest[:last]), time.Unix(seconds, 0)}
	// The clock may have been set back since the link was made.
	if now.After(link.Until) || link.Until.Sub(now) > tracker.LinkTime {
		return link, NewProblem(http.StatusGone, "A link works for 24 hours. Acknowledge on the page of the incident, or with the command in the message.")
	}
	return link, nil
}

// longestName bounds the name that somebody gives, in bytes, so that how they came stands behind it.
const longestName = 40

// Author returns who acknowledges by a link, as the journal keeps it. A name is what was typed,
// which nobody has checked: that the link was sent to the role is all that is known.
func (link Link) Author(name string) string {
	by := "by link sent to " + string(link.Role)
	if name = opaque.Bounded(strings.TrimSpace(name), longestName); name != "" {
		return name + ", " + by
	}
	return by
}

// IncidentOf returns the incident that a link acknowledges, whoever asks. It is a problem if the
// incident is closed: then the link does nothing any more.
func (link Link) IncidentOf(ctx context.Context, d Daemon) (Incident, error) {
	in, err := IncidentFor(WithVisitor(ctx, everybody), d, link.Incident)
	if err != nil {
		var isOneOfSeveral bool
		if in, isOneOfSeveral, err = ownIncident(ctx, d, link.Incident); err != nil && isOneOfSeveral {
			return Incident{}, NewProblem(http.StatusGone,
				"The incident is over, or it is one of another node alone: one about that node itself, which imapvigil ack acknowledges there, "+
					"or one that it has handed over and that goes on under another id.")
		}
	}
	if err == nil && in.HandedAs != "" {
		return Incident{}, NewProblem(http.StatusGone, "The incident was handed over to "+in.HandedTo+
			", where it goes on as incident "+string(in.HandedAs)+". Acknowledge that one: imapvigil ack "+string(in.HandedAs)+".")
	}
	if err != nil || in.State == incident.StatusClosed {
		return Incident{}, NewProblem(http.StatusGone, "The incident is over. There is nothing to acknowledge.")
	}
	return in, nil
}

// Acknowledge notes that whoever has the link works on the incident, and reports whether somebody
// does already: then nothing changes.
func (link Link) Acknowledge(ctx context.Context, d Daemon, name string) (already bool, err error) {
	before, err := d.Acknowledge(ctx, link.Incident, tracker.Acknowledgement{By: link.Author(name), Reason: reasonUnsaid, Once: true})
	return before.Acknowledged(), err
}

// Limited is the handler of a route that one address may ask only as often as it may try to log in.
type Limited struct{ http.Handler }
