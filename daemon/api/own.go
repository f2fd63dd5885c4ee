package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/daemon/tracker"
)

// ownKeys are what a status says of the daemon that gives it.
var ownKeys = []string{"config", "journal", "probes", "log", "history", "notes", "node"}

// WithOwn returns the status that another node has given, with what it says of the daemon itself
// replaced by what is so here: a snapshot of the incidents of this machine, and the rest. Who asks, and
// what they may know, is in ctx.
func WithOwn(ctx context.Context, status []byte, s *tracker.Snapshot, self Self) ([]byte, error) {
	seen := view{s, VisitorOf(ctx)}
	if !seen.all() {
		self = self.forSome()
	}
	text, err := json.Marshal(newOwnStatus(seen, self))
	if err != nil {
		return nil, err
	}
	var own map[string]json.RawMessage
	if err := json.Unmarshal(text, &own); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteByte('{')
	add := func(key string, value json.RawMessage) {
		if len(value) == 0 {
			return
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		out.WriteString(`"` + key + `":`)
		out.Write(value)
	}
	// In the order in which they came: of 100,000 checks none is read again.
	err = eachKey(status, func(key string, value json.RawMessage) {
		if !slices.Contains(ownKeys, key) {
			add(key, value)
		}
	})
	for _, key := range ownKeys {
		add(key, own[key])
	}
	out.WriteString("}\n")
	return out.Bytes(), err
}

// eachKey calls do with each key of an object, and its value.
func eachKey(object []byte, do func(key string, value json.RawMessage)) error {
	d := json.NewDecoder(bytes.NewReader(object))
	begin, err := d.Token()
	if err != nil || begin != json.Delim('{') {
		return errors.Join(errors.New("the answer is no object"), err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		name, _ := key.(string)
		do(name, value)
	}
	return nil
}

// An Owner is a daemon that has incidents of its own machine beside those that several nodes share.
type Owner interface {
	// OwnIncidents returns the snapshot that has them; nil: there are none.
	OwnIncidents(ctx context.Context) *tracker.Snapshot
}

// withOwnIncidents adds to a list the incidents of the daemon's own machine.
func withOwnIncidents(list Incidents, d Daemon) Incidents {
	if o, ok := d.(Owner); ok {
		if own := o.OwnIncidents(context.Background()); own != nil {
			list.Incidents = append(list.Incidents, NewIncidents(own).Incidents...)
			sortIncidents(list.Incidents)
		}
	}
	return list
}

// ownIncident returns an incident of the daemon's own machine, and whether the machine is one of several
// nodes, so that there may be such incidents.
func ownIncident(ctx context.Context, d Daemon, id incident.ID) (in Incident, isOneOfSeveral bool, err error) {
	o, ok := d.(Owner)
	if !ok {
		return in, false, errNotOwn
	}
	s := o.OwnIncidents(ctx)
	if s == nil {
		return in, false, errNotOwn
	}
	state, err := view{s, everybody}.incidentOf(id)
	if err != nil {
		return in, true, err
	}
	return NewIncident(s, state), true, nil
}

var errNotOwn = errors.New("the daemon's own machine has no such incident")

// AddOwnIncidents adds to the list of incidents that another node has given those of a snapshot.
func AddOwnIncidents(text []byte, own *tracker.Snapshot) ([]byte, error) {
	var list Incidents
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	list.Incidents = append(list.Incidents, NewIncidents(own).Incidents...)
	sortIncidents(list.Incidents)
	return json.Marshal(list)
}
