package daemon

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/outbox"
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/wording"
)

type channels = map[config.NotifierID]outbox.Channel

// openedChannels are the notifiers in force, which the sender uses. They are the
// part that opens and closes them.
type openedChannels struct {
	sender    *outbox.Sender
	listeners *listeners
	mark      func(receiver string) string // of a receiver, which may be secret; nil: none is marked
	none      func(*config.Config) bool    // this machine sends nothing by a configuration; nil: it always does

	mu    sync.Mutex // held while what is in use, or is listened to, changes
	inUse channels
	deaf  bool // another node listens
}

// Prepare implements [part].
func (o *openedChannels) Prepare(cfg *config.Config) (commit, discard func(), diags []config.Diagnostic) {
	before := o.inUse // which a reload alone replaces, one at a time
	opened, diags := channels{}, []config.Diagnostic(nil)
	if o.none == nil || !o.none(cfg) {
		opened, diags = openChannels(cfg, before)
	}
	discard = func() { closeUnused(opened, before) }
	if config.HasErrors(diags) {
		discard()
		return nil, nil, diags
	}
	commit = func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		aim(opened, cfg)
		o.markReceivers(opened) // at the first start the key is read after Prepare
		o.sender.Use(opened)
		o.sender.Partial(cfg.Incomplete)
		if !o.deaf {
			o.listeners.use(opened) // those that are closed below are not listened to any more
		}
		closeUnused(before, opened) // after Use: no attempt begins with these any more
		o.inUse = opened
	}
	return commit, discard, diags
}

// markReceivers marks who gets the messages of the channels whose settings decide that.
func (o *openedChannels) markReceivers(opened channels) {
	for id, c := range opened {
		if bound, ok := c.Settings.(notifiers.Bound); ok && o.mark != nil {
			c.Receiver = o.mark(string(id) + "\n" + bound.Receiver().Reveal())
			opened[id] = c
		}
	}
}

// listen has the services in use listened to from here, or not.
func (o *openedChannels) listen(here bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.deaf == !here {
		return
	}
	o.deaf = !here
	if o.deaf {
		o.listeners.use(nil)
	} else {
		o.listeners.use(o.inUse)
	}
}

// markAgain marks who gets the messages once more: the key is another one.
func (o *openedChannels) markAgain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	marked := maps.Clone(o.inUse) // the sender uses the other one
	o.markReceivers(marked)
	o.inUse = marked
	o.sender.Use(marked)
}

// closeAll ends what the last configuration opened.
func (o *openedChannels) closeAll() {
	o.listeners.Close()
	closeUnused(o.inUse, nil)
}

// openChannels opens the notifiers of a configuration; those whose settings
// are as before are kept as they are. It has no effect outside.
func openChannels(cfg *config.Config, have channels) (channels, []config.Diagnostic) {
	opened := make(channels, len(cfg.Notifiers))
	var diags []config.Diagnostic
	for _, id := range slices.Sorted(maps.Keys(cfg.Notifiers)) {
		n := cfg.Notifiers[id]
		channel, err := openChannel(n, have[id])
		if err != nil {
			diags = append(diags, config.Diagnostic{
				Gravity: config.Error, Summary: fmt.Sprintf("Notifier %q cannot be used", id), Detail: err.Error(), Pos: n.Pos,
			})
			continue
		}
		opened[id] = channel
	}
	return opened, diags
}

// openChannel opens a notifier. Of the one before it what has not changed is kept, idle
// connections and all.
func openChannel(n *config.Notifier, old outbox.Channel) (c outbox.Channel, err error) {
	c = outbox.Channel{Settings: n.Settings, Words: old.Words}
	if !old.Words.Say(n.Subject, n.Text) {
		if c.Words, err = wording.Open(n.Subject, n.Text); err != nil {
			return c, err
		}
	}
	if old.Notifier != nil && old.Settings == n.Settings {
		c.Notifier = old.Notifier
		return c, nil
	}
	c.Notifier, err = n.Settings.Open()
	return c, err
}

// aim says where their messages go to those who want to know.
func aim(opened channels, cfg *config.Config) {
	targets := map[config.NotifierID][]notifiers.Target{}
	for _, role := range cfg.Roles {
		for _, notify := range role.Notify {
			targets[notify.ID.Notifier] = append(targets[notify.ID.Notifier], notify.Target)
		}
	}
	for id, c := range opened {
		if aimed, wants := c.Notifier.(notifiers.Aimed); wants {
			aimed.Aim(targets[id])
		}
	}
}

// closeUnused closes the channels of a that b does not have.
func closeUnused(a, b channels) {
	for id, c := range a {
		if kept, ok := b[id]; !ok || kept.Notifier != c.Notifier {
			_ = c.Close() // idle connections; calls under way end by themselves
		}
	}
}
