package verdict

import (
	"testing"

	"github.com/imapvigil/imapvigil/config"
)

// BenchmarkJudge is the price of a verdict: of a check that is well, as nearly all
// are, and of one that fails at one of two addresses.
//
//	go test -run '^$' -bench Judge -benchmem ./daemon/verdict
func BenchmarkJudge(b *testing.B) {
	check := &config.Probe{Addresses: config.AllAddresses, Security: config.TLSFromStart, Login: config.Login{Username: "alice"}}
	for name, conversations := range map[string][]Conversation{
		"well":    {conversationWith("192.0.2.1", nil).with(loggedIn), conversationWith("192.0.2.2", nil)},
		"partial": {conversationWith("192.0.2.1", nil).with(loggedIn), conversationWith("192.0.2.2", atConnect("refused"))},
	} {
		p := &Probe{Conversations: conversations}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Judge(check, p)
			}
		})
	}
}
