package outbox

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/notifiers"
)

// maxFormer bounds the former channels that are kept, so that settings which change all the time fill no
// memory.
const maxFormer = 64

// A formerChannel is an opened notifier whose settings have left the files. Its connections are closed; a
// message opens one.
type formerChannel struct {
	id config.NotifierID
	Channel
}

// keepFormer keeps the channels that the files do not have any more, for the ends of what was told with
// them: an alert that was opened with one key cannot be resolved with another. s.mu is held.
func (s *Sender) keepFormer(old map[config.NotifierID]Channel) {
	for id, c := range old {
		if now, stays := s.channels[id]; stays && now.Receiver == c.Receiver {
			continue
		}
		s.former = slices.DeleteFunc(s.former, func(f formerChannel) bool { return f.id == id && f.Receiver == c.Receiver })
		s.former = append(s.former, formerChannel{id, c})
	}
	s.former = s.former[max(0, len(s.former)-maxFormer):]
}

// A route is the channels that one attempt hands its message to.
type route struct {
	former  []Channel
	current *Channel // of the files; nil: they have none
	use     bool     // the current one, too
	gone    bool     // another receiver has got the opening, and cannot be told any more
	missing error    // why there is no channel
}

// receiver returns the mark of who gets the message by the files; empty: the targets say it.
func (r *route) receiver() string {
	if r.current == nil {
		return ""
	}
	return r.current.Receiver
}

// routeOf returns where a message goes: to the channel of the files; and what ends or acknowledges
// something to those who have heard of it. s.mu is held.
func (s *Sender) routeOf(id config.NotifierID, m notifiers.Message) *route {
	r := &route{use: len(m.Items) == 0}
	if c, ok := s.channels[id]; ok {
		r.current = &c
	}
	var marks []string
	for _, item := range m.Items {
		got := strings.Fields(item.Thread.Receivers)
		if len(got) == 0 || !item.Ends() && item.Transition != notifiers.Acknowledged {
			r.use = true
			continue
		}
		marks = append(marks, got...)
	}
	slices.Sort(marks)
	for _, mark := range slices.Compact(marks) {
		r.addReceiver(s, id, mark)
	}
	if r.current == nil && len(r.former) == 0 {
		r.addRemoved(s, id, m)
	}
	return r
}

// addReceiver adds the channel of a receiver that has to hear of something. s.mu is held.
func (r *route) addReceiver(s *Sender, id config.NotifierID, mark string) {
	if r.current != nil && r.current.Receiver == mark {
		r.use = true
		return
	}
	i := slices.IndexFunc(s.former, func(f formerChannel) bool { return f.id == id && f.Receiver == mark })
	if i < 0 {
		r.gone, r.use = true, true
		return
	}
	r.former = append(r.former, s.former[i].Channel)
}

// addRemoved adds the channel of a notifier that has left the files, for the ends of what it has told. s.mu is
// held.
func (r *route) addRemoved(s *Sender, id config.NotifierID, m notifiers.Message) {
	ends := !slices.ContainsFunc(m.Items, func(i notifiers.Item) bool { return !i.Ends() || i.OpeningUntold })
	for _, f := range slices.Backward(s.former) {
		if ends && len(m.Items) > 0 && f.id == id && !s.partial {
			r.former = []Channel{f.Channel}
			return
		}
	}
	r.missing = s.missingChannel(id)
}

// Why a message went to another receiver than the opening.
const (
	settingsGone    = "the opening was sent with other settings of this notifier, which are gone: what it opened may still be open there"
	settingsRefused = "the opening was sent with other settings of this notifier, which are refused now: "
)

// attemptAll makes one attempt: one call of each channel of a route. Where former settings are refused for good,
// those of the files are used.
func (s *Sender) attemptAll(r *route, to json.RawMessage, m notifiers.Message) (receipt notifiers.Receipt, err error) {
	if r.missing != nil {
		return receipt, r.missing
	}
	var notes []string
	if r.gone {
		notes = append(notes, settingsGone)
	}
	use := r.use && r.current != nil
	for _, c := range r.former {
		got, failed := s.attemptOnce(c, to, m)
		switch {
		case failed == nil:
			receipt = got
		case notifiers.IsPermanent(failed) && r.current != nil:
			notes, use = append(notes, settingsRefused+failed.Error()), true
		default:
			err = failed
		}
	}
	if use {
		got, failed := s.attemptOnce(*r.current, to, m)
		if receipt = got; failed != nil {
			err = failed
		}
	}
	if err == nil && len(notes) > 0 {
		receipt.Answer = opaque.Sanitise(strings.TrimPrefix(receipt.Answer.String()+"; "+strings.Join(notes, "; "), "; "))
	}
	return receipt, err
}
