package bus

import (
	"context"
	"slices"
)

// A leadership is which server leads the stream, and which others keep it.
type leadership struct {
	Leader   string `json:"leader"` // a server's name; empty: it is the only one
	Replicas []struct {
		Name    string `json:"name"`
		Current bool   `json:"current"`
		Offline bool   `json:"offline"`
	} `json:"replicas"`
}

// another returns a server that could lead: it has all that the stream has, and is not among some
// servers. Empty: there is none.
func (l leadership) another(than []string) string {
	for _, r := range l.Replicas {
		if r.Current && !r.Offline && !slices.Contains(than, r.Name) {
			return r.Name
		}
	}
	return ""
}

// Missing implements Stream. A server whose disk is full goes on without its part of the stream until it
// is restarted.
func (j journal) Missing(ctx context.Context) (servers []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	r, err := j.info(ctx)
	for _, replica := range r.Cluster.Replicas {
		if replica.Offline || !replica.Current {
			servers = append(servers, replica.Name)
		}
	}
	return servers, err
}

// LeadElsewhere implements Stream. The leader hands over to the server that is named, which takes the
// servers less than an election does: nobody has to find out that the leader is gone.
func (j journal) LeadElsewhere(ctx context.Context, than []string) (moved bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	r, err := j.info(ctx)
	if err != nil || !slices.Contains(than, r.Cluster.Leader) {
		return false, err
	}
	to := r.Cluster.another(than)
	if to == "" {
		return false, nil
	}
	type placement struct {
		Preferred string `json:"preferred"`
	}
	_, err = j.function(ctx, streamStepDown, struct {
		Placement placement `json:"placement"`
	}{placement{to}})
	return err == nil, err
}
