package selfcheck

import (
	"container/list"
	"iter"
	"time"
)

// A peer is something out there that several checks depend on: an address or a
// name.
type peer struct {
	key    string    // the address without its port, or the name
	target string    // how to ask it: "192.0.2.1:993", or the name
	at     time.Time // when it answered last, or when it first did not
}

// A peerList is a set of peers, the one entered last first. The zero peerList is empty.
type peerList struct {
	index map[string]*list.Element
	order list.List
}

// putFirst puts a peer to the front, in place of what was known of it.
func (r *peerList) putFirst(p peer) {
	if e, ok := r.index[p.key]; ok {
		e.Value = p
		r.order.MoveToFront(e)
		return
	}
	if r.index == nil {
		r.index = map[string]*list.Element{}
	}
	r.index[p.key] = r.order.PushFront(p)
}

// remove removes a peer and returns it; was is false if it was not there.
func (r *peerList) remove(key string) (p peer, was bool) {
	e, ok := r.index[key]
	if !ok {
		return p, false
	}
	delete(r.index, key)
	p, _ = r.order.Remove(e).(peer)
	return p, true
}

func (r *peerList) lookUp(key string) (p peer, found bool) {
	if e, ok := r.index[key]; ok {
		p, found = e.Value.(peer)
	}
	return p, found
}

// all yields the peers, the one entered last first.
func (r *peerList) all() iter.Seq[peer] {
	return func(yield func(peer) bool) {
		for e := r.order.Front(); e != nil; e = e.Next() {
			if p, _ := e.Value.(peer); !yield(p) {
				return
			}
		}
	}
}

// newest returns the peer entered last.
func (r *peerList) newest() (p peer, ok bool) {
	for p := range r.all() {
		return p, true
	}
	return p, false
}

// removeBefore removes the peers of before a time, from the one entered first on.
func (r *peerList) removeBefore(before time.Time) {
	for e := r.order.Back(); e != nil; e = r.order.Back() {
		p, _ := e.Value.(peer)
		if !p.at.Before(before) {
			return
		}
		r.remove(p.key)
	}
}
