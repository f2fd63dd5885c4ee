package slack

import (
	"time"

	"github.com/imapvigil/imapvigil/notifiers"
)

// LetConnectionsBeShort has Slack renew connections as often as it wants.
func LetConnectionsBeShort(n notifiers.Notifier) {
	if l, ok := n.(*listener); ok {
		l.least = time.Duration(0)
	}
}
