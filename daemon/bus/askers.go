package bus

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// How much work a node can cause that asks, under one topic. All nodes together, and one of them: so
// one node that asks without end keeps no other one from being answered.
const (
	maxAnswering   = 256 // questions that are answered, or wait for that; further ones are not heard
	maxAskedBy     = 64  // of them, of one node
	maxAnsweringTo = 8   // of these, that are answered at once
)

// askers counts the questions of each node. Those who do not prove who they are count as one.
type askers struct {
	mu    sync.Mutex
	all   int
	nodes map[string]*asker
}

// An asker is a node with questions that are not answered yet.
type asker struct {
	asked int
	room  *semaphore.Weighted
}

// admitQuestion makes room for a question of a node. It returns nil if there is none.
func (a *askers) admitQuestion(node string) *asker {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.nodes[node]
	if a.all >= maxAnswering || x != nil && x.asked >= maxAskedBy {
		return nil
	}
	if x == nil {
		if a.nodes == nil {
			a.nodes = map[string]*asker{}
		}
		x = &asker{room: semaphore.NewWeighted(maxAnsweringTo)}
		a.nodes[node] = x
	}
	a.all++
	x.asked++
	return x
}

// freeRoomOf gives back the room of a question.
func (a *askers) freeRoomOf(node string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if x := a.nodes[node]; x.asked > 1 {
		x.asked--
	} else {
		delete(a.nodes, node)
	}
}

// runInTurn calls do when it is the turn of a question, unless ctx ends first.
func (x *asker) runInTurn(ctx context.Context, do func()) {
	if x.room.Acquire(ctx, 1) == nil {
		defer x.room.Release(1)
		do()
	}
}
