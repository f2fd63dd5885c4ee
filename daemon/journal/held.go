package journal

import (
	"iter"
	"slices"
)

// Records gives all records in order, those that wait in memory for the disk included, as of the
// moment when the reader begins. It may be called while others append. Damage is left out, as in
// Replay.
func (j *Journal) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		j.mu.Lock()
		durable, waiting := j.durable, slices.Clone(j.queue)
		j.mu.Unlock()
		for r, err := range j.Replay() {
			if err == nil && r.Seq > durable {
				break // of a write that is going on: it is among those that wait
			}
			if !yield(r, err) {
				return
			}
		}
		for _, e := range waiting {
			if !yield(e.Record, nil) {
				return
			}
		}
	}
}
