package outbox

import (
	"encoding/json"
	"fmt"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/notifiers"
)

// Try makes one attempt to send a test message on a notify block, and waits for what
// it comes to. A test is about no incident: it is not journaled and not
// repeated.
func (s *Sender) Try(block config.Notify, m notifiers.Message) (notifiers.Receipt, error) {
	s.mu.Lock()
	channel, ok := s.channels[block.ID.Notifier]
	s.mu.Unlock()
	if !ok {
		return notifiers.Receipt{}, fmt.Errorf("notifier %s is not configured", block.ID.Notifier)
	}
	// In the form that the journal keeps, so that a test is sent as a real message is.
	to, err := json.Marshal(block.Target)
	if err != nil {
		return notifiers.Receipt{}, fmt.Errorf("writing the target: %w", err)
	}
	return s.attemptOnce(channel, to, m)
}
