package mattermost

import "github.com/imapvigil/imapvigil/notifiers"

// Relay implements [notifiers.Relayed].
func (s Settings) Relay() string { return notifiers.HostOf(s.URL.Reveal()) }
