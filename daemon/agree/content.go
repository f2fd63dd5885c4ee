package agree

import (
	"math/bits"
	"net/netip"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/incident"
)

// The most that is read of lists and texts. A probe has less of each.
const (
	mostFindings  = 64
	mostNotes     = 256
	mostAddresses = 256
	mostWords     = 1024 // capabilities of a server, or names in a certificate
	mostText      = 4096 // bytes of a sentence of ours
	mostName      = 512  // bytes of a name
)

// healths are what a health is on the wire. New ones come last.
var healths = [...]incident.Health{incident.OK, incident.Degraded, incident.Down, incident.Unknown}

func (w *writer) health(h incident.Health) {
	for i, known := range healths {
		if h == known {
			w.byte(byte(i))
			return
		}
	}
	w.byte(byte(len(healths))) // none
}

func (r *reader) health() incident.Health {
	switch b := int(r.byte()); {
	case b < len(healths):
		return healths[b]
	case b > len(healths):
		r.fail()
	}
	return ""
}

func (w *writer) findings(list []incident.Finding) {
	w.count(len(list))
	for _, f := range list {
		w.text(string(f.Condition))
		w.health(f.Health)
		w.text(f.Phase.String())
		w.text(string(f.Cause))
		w.text(f.Hint)
		w.text(f.Evidence.String())
		w.text(f.Address)
		w.text(f.From)
		w.int(int64(f.Grade))
	}
}

func (r *reader) findings() (list []incident.Finding) {
	for range r.count(mostFindings) {
		list = append(list, incident.Finding{
			Condition: config.Condition(r.text(mostName)), Health: r.health(),
			Phase: config.ParsePhase(r.text(mostName)), Cause: config.Cause(r.text(mostName)), Hint: r.text(mostText),
			Evidence: r.words(), Address: r.text(mostName), From: r.text(mostName), Grade: int(r.int()),
		})
	}
	return list
}

// words reads what a server said, which is sanitised again: the node that says so may lie.
func (r *reader) words() opaque.Words { return opaque.Sanitise(string(r.raw())) }

// A content is what a result says that is the same from probe to probe as long as nothing changes: no
// times, no durations, no findings, and not which node it is of.
type content struct {
	hash      uint64 // of its bytes on the wire
	target    string
	notes     []incident.Note
	addresses []incident.Address
}

// content writes what of a result stays the same.
func (w *writer) content(r *incident.Result) {
	w.text(r.Target)
	w.count(len(r.Notes))
	for _, n := range r.Notes {
		w.text(string(n.Cause))
		w.text(n.Text)
		w.text(n.Evidence.String())
		w.text(n.Address)
	}
	w.count(len(r.Addresses))
	for i := range r.Addresses {
		w.address(&r.Addresses[i])
	}
}

func (r *reader) content() (c content) {
	c.target = r.text(mostName)
	for range r.count(mostNotes) {
		c.notes = append(c.notes, incident.Note{
			Cause: config.Cause(r.text(mostName)), Text: r.text(mostText), Evidence: r.words(), Address: r.text(mostName),
		})
	}
	for range r.count(mostAddresses) {
		c.addresses = append(c.addresses, r.address())
	}
	return c
}

func (w *writer) address(a *incident.Address) {
	ip, _ := a.IP.MarshalBinary() // it has no error
	w.text(string(ip))
	w.uint(uint64(a.Port))
	w.text(a.Phase.String())
	w.health(a.Health)
	w.text(string(a.Cause))
	w.text(a.Hint)
	w.text(a.Evidence.String())
	w.strings(a.Capabilities)
	w.session(a.TLS)
}

func (r *reader) address() (a incident.Address) {
	a.IP = r.ip()
	a.Port = uint16(r.uint())
	a.Phase = config.ParsePhase(r.text(mostName))
	a.Health = r.health()
	a.Cause = config.Cause(r.text(mostName))
	a.Hint = r.text(mostText)
	a.Evidence = r.words()
	a.Capabilities = r.strings()
	a.TLS = r.session()
	return a
}

// ip reads an address. A zone is a name of ours, and is sanitised as one.
func (r *reader) ip() (ip netip.Addr) {
	if ip.UnmarshalBinary(r.raw()) != nil {
		r.fail()
	}
	if zone := ip.Zone(); zone != "" {
		ip = ip.WithZone(opaque.Bounded(zone, mostName))
	}
	return ip
}

func (w *writer) strings(list []string) {
	w.count(len(list))
	for _, s := range list {
		w.text(s)
	}
}

func (r *reader) strings() []string {
	n := r.count(mostWords)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.text(mostName)
	}
	return list
}

// session writes a TLS session; of none a zero.
func (w *writer) session(t *incident.TLSInfo) {
	if t == nil {
		w.byte(0)
		return
	}
	w.byte(1)
	for _, text := range []string{t.Version, t.Cipher, t.Subject, t.Issuer, t.SHA256, t.SPKI} {
		w.text(text)
	}
	w.moment(t.NotBefore)
	w.moment(t.NotAfter)
	w.strings(t.Names)
}

func (r *reader) session() *incident.TLSInfo {
	if r.byte() == 0 || r.err != nil {
		return nil
	}
	t := &incident.TLSInfo{}
	for _, text := range []*string{&t.Version, &t.Cipher, &t.Subject, &t.Issuer, &t.SHA256, &t.SPKI} {
		*text = r.text(mostText)
	}
	t.NotBefore, t.NotAfter = r.moment(), r.moment()
	t.Names = r.strings()
	return t
}

// timings writes how long the phases of each conversation took, those that are known.
func (w *writer) timings(list []config.PhaseTimes) {
	w.count(len(list))
	for i := range list {
		var known uint64
		for phase, d := range list[i] {
			if d != 0 {
				known |= 1 << phase
			}
		}
		w.uint(known)
		for _, d := range list[i] {
			if d != 0 {
				w.int(int64(d))
			}
		}
	}
}

func (r *reader) timings() (list []config.PhaseTimes) {
	for range r.count(mostAddresses) {
		var times config.PhaseTimes
		for known := r.uint(); known != 0; known &= known - 1 {
			d := r.duration()
			if phase := bits.TrailingZeros64(known); phase < len(times) { // else a newer version has more phases
				times[phase] = d
			}
		}
		list = append(list, times)
	}
	return list
}

// timingsOf returns the timings of the conversations of a result.
func timingsOf(r *incident.Result) []config.PhaseTimes {
	list := make([]config.PhaseTimes, len(r.Addresses))
	for i := range r.Addresses {
		list[i] = r.Addresses[i].Timings
	}
	return list
}
