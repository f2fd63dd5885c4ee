package verdict

import "github.com/imapvigil/imapvigil/daemon/incident"

// judgeAddresses returns the addresses that were talked to, each with its own verdict.
func judgeAddresses(conversations []Conversation) []incident.Address {
	var list []incident.Address
	for i := range conversations {
		c := &conversations[i]
		if c.LeftOut || !c.Address.IP.IsValid() {
			continue // nobody was talked to
		}
		if list == nil { // one allocation a probe, of the size that the tracker keeps
			list = make([]incident.Address, 0, len(conversations))
		}
		list = append(list, c.Address)
		c.judgeAddress(&list[len(list)-1])
	}
	return list
}

// judgeAddress fills in what one address has come to by itself.
func (c *Conversation) judgeAddress(a *incident.Address) {
	worst, wrong := c.worstFinding()
	switch {
	case c.disbelieved(): // what the server said is shown all the same
		a.Health, a.Phase, a.Cause, a.Hint = incident.Unknown, c.Unknown.Phase, c.Unknown.Cause, c.Unknown.Hint
		a.Evidence = worst.Evidence
	case wrong:
		a.Health, a.Phase, a.Cause, a.Hint, a.Evidence = worst.Health, worst.Phase, worst.Cause, worst.Hint, worst.Evidence
	default:
		a.Health = incident.OK
	}
}

// worstFinding returns what is most wrong in one conversation; wrong is false where nothing is.
func (c *Conversation) worstFinding() (worst incident.Finding, wrong bool) {
	if c.Failure != nil {
		// What ended the conversation outweighs what was found before.
		return *c.Failure, true
	}
	worst, wrong = incident.Result{Findings: c.Findings}.Worst()
	if !wrong && c.Login == LoginUntried {
		return loginNotTried(), true
	}
	return worst, wrong
}
