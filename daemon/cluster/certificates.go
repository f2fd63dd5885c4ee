package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
)

// endingNotice is how long before a certificate of the bus ends people hear of it.
const endingNotice = 14 * 24 * time.Hour

// EndingCertificates says in sentences which certificates of the bus end soon, or have ended.
func EndingCertificates(list []bus.Certificate, now time.Time) (sentences []string) {
	for _, c := range list {
		if c.Ends.Sub(now) >= endingNotice {
			break // they are in order
		}
		ends := "ends"
		if c.Ends.Before(now) {
			ends = "ended"
		}
		sentences = append(sentences,
			fmt.Sprintf("The certificate of %s %s at %s.", c.Of, ends, c.Ends.UTC().Format("2006-01-02 15:04 MST")))
	}
	return sentences
}

// endingCertificates says whether certificates of the servers end soon. Each node says it of its own.
func (d *decider) endingCertificates() trouble {
	t := trouble{name: certificatesTrouble}
	list := slices.DeleteFunc(d.Bus.Certificates(), func(c bus.Certificate) bool { return c.Own })
	if sentences := EndingCertificates(list, d.Wall()); len(sentences) > 0 {
		t.wrong = strings.Join(sentences, " ") + " " + RenewCertificates
	}
	return t
}

// RenewCertificates is what people do before a certificate ends.
const RenewCertificates = "After that no node connects with it. Renew it before; imapvigil-nodes(7) says how."
