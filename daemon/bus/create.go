package bus

import (
	"context"
	"errors"
	"time"
)

// streamConfig is the stream, in the words of the servers. Durations are in nanoseconds.
type streamConfig struct {
	Name       string        `json:"name"`
	Subjects   []string      `json:"subjects"`
	Retention  string        `json:"retention"`
	Storage    string        `json:"storage"`
	Replicas   int           `json:"num_replicas"`
	Discard    string        `json:"discard"`
	MaxBytes   int64         `json:"max_bytes"`
	MaxMsgs    int64         `json:"max_msgs"`
	MaxAge     time.Duration `json:"max_age"`
	Duplicates time.Duration `json:"duplicate_window"`
	Direct     bool          `json:"allow_direct"`
	DenyDelete bool          `json:"deny_delete"`
	Republish  republish     `json:"republish"`
	First      uint64        `json:"first_seq,omitempty"`
}

// republish has the servers say again what was appended, with its sequence.
type republish struct {
	From string `json:"src"`
	To   string `json:"dest"`
}

func (s subjects) config(replicas int, first uint64) streamConfig {
	if first == 1 {
		first = 0 // the servers need not be told
	}
	return streamConfig{
		Name: s.stream(), Subjects: []string{s.of(Journal)}, First: first,
		Retention: "limits", Storage: "file", Replicas: replicas,
		// A journal that is full must not forget its beginning.
		Discard: "new", MaxBytes: 1 << 30, MaxMsgs: -1,
		Duplicates: 2 * time.Minute, Direct: true, DenyDelete: true,
		Republish: republish{From: s.of(Journal), To: s.of(Log)},
	}
}

var errExists = errors.New("there is a journal on the bus already")

// Create implements Stream. While the servers have not all found each other it waits until ctx ends,
// unless the files name fewer than three.
func (j journal) Create(ctx context.Context, first uint64) error {
	err := patiently(ctx, func(ctx context.Context) error {
		_, err := j.info(ctx)
		return err
	})
	if err == nil {
		return errExists
	}
	if !errors.Is(err, ErrNoStream) {
		return err
	}
	return patiently(ctx, func(ctx context.Context) error {
		err := j.create(ctx, mostReplicas, first)
		named := len(j.client.access.servers)
		if errors.Is(err, errNoPeers) && named < mostReplicas {
			return j.create(ctx, named, first)
		}
		return err
	})
}

// create makes the stream on so many servers, or on the only one.
func (j journal) create(ctx context.Context, replicas int, first uint64) error {
	r, err := j.function(ctx, streamCreate, j.client.subjects.config(replicas, first))
	if r.Error == nil {
		return err
	}
	switch r.Error.Code {
	case codeNotClustered:
		return j.create(ctx, 1, first)
	case codeNameInUse:
		return errExists
	}
	return err
}

// mostReplicas is how many servers keep the stream, if there are as many.
const mostReplicas = 3
