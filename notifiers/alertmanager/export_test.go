package alertmanager

import (
	"encoding/json"
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// Compose returns the body of a message at a time, for golden files.
func Compose(t Target, m notifiers.Message, now time.Time, again bool) string {
	c := composer{target: t, resend: time.Minute, now: now}
	var list []alert
	if m.IsTest() {
		list = c.test(m)
	} else {
		list, _ = c.alerts(m, again)
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		panic(err) // it is made of texts and times
	}
	return string(text) + "\n"
}

// OthersMayTake is how long other instances may take.
const OthersMayTake = othersMayTake
