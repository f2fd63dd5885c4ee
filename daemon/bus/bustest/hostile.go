package bustest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/probe/imaptest/process"
)

// A Raw is the connection of a node that somebody else controls: it publishes what it likes, as far as the servers
// let it.
type Raw struct {
	conn *nats.Conn

	mu        sync.Mutex
	forbidden int
}

// Raw connects a node of the first cluster, with its key, until the test ends.
func (s *Servers) Raw(t testing.TB, node string) *Raw {
	t.Helper()
	o := s.Options(t, node)
	public, err := bus.PublicOf(o.Key)
	process.Must(t, err)
	pair, err := nkeys.FromSeed([]byte(o.Key.Reveal()))
	process.Must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.CA)
	r := &Raw{}
	r.conn, err = nats.Connect(o.Servers[0], nats.Nkey(public, pair.Sign),
		nats.Secure(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if errors.Is(err, nats.ErrPermissionViolation) {
				r.forbidden++
			}
		}))
	process.Must(t, err)
	t.Cleanup(r.conn.Close)
	return r
}

// Forbidden returns how much the servers have refused until now.
func (r *Raw) Forbidden() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forbidden
}

// Must ends the test after an error.
func Must(t testing.TB, err error) {
	t.Helper()
	process.Must(t, err)
}

// Ask publishes a question about a topic, with any place for its answer.
func (r *Raw) Ask(to bus.Topic, reply string, headers map[string]string, question []byte) error {
	return r.publish("iv."+Cluster+"."+string(to), reply, headers, question)
}

func (r *Raw) publish(subject, reply string, headers map[string]string, data []byte) error {
	m := &nats.Msg{Subject: subject, Reply: reply, Data: data, Header: nats.Header{}}
	for name, value := range headers {
		m.Header.Set(name, value)
	}
	return errors.Join(r.conn.PublishMsg(m), r.conn.Flush())
}

// journal is where no answer may go.
const journal = "iv." + Cluster + ".journal"

// AskIntoTheJournal asks all that servers and nodes answer, and wants the answers in the journal: messages
// that are there, that are not, questions that are none, everything else that servers have functions for, other
// nodes, and reports about the way of a message.
func AskIntoTheJournal(t testing.TB, r *Raw) {
	t.Helper()
	stream := "iv_" + Cluster + "_journal"
	for _, function := range []string{
		"DIRECT.GET", "STREAM.INFO", "STREAM.MSG.GET", "STREAM.MSG.DELETE", "STREAM.PURGE", "STREAM.CREATE", "STREAM.UPDATE", "STREAM.DELETE",
		"STREAM.LEADER.STEPDOWN", "STREAM.PEER.REMOVE", "STREAM.SNAPSHOT", "STREAM.RESTORE", "CONSUMER.CREATE", "CONSUMER.LIST", "CONSUMER.NAMES",
	} {
		for _, question := range []string{"", "{", `{"seq":1}`, `{"seq":1000000}`, `{"seq":1,"batch":10}`, `{"last_by_subj":"` + journal + `"}`} {
			process.Must(t, r.publish("$JS.API."+function+"."+stream, journal, nil, []byte(question)))
		}
	}
	for _, subject := range []string{
		"$JS.API.DIRECT.GET." + stream + "." + journal, "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.META.LEADER.STEPDOWN",
		"$SYS.REQ.USER.INFO", "$SYS.REQ.SERVER.PING", "$JS.ACK." + stream, "$JS.FC." + stream, "$SRV.PING", journal, "nobody.listens",
	} {
		process.Must(t, r.publish(subject, journal, nil, []byte("{}")))
	}
	for _, topic := range []bus.Topic{
		bus.Seat, bus.Beat, bus.Wake, bus.Log, bus.Node(Decider), bus.Node(Candidate), bus.Node(Follower), bus.Heartbeat(Follower), bus.SightsOf(Follower),
	} {
		for _, headers := range []map[string]string{
			nil,
			{"Imapvigil-From": Follower},
			{"Imapvigil-From": Decider},
			{"Nats-Trace-Dest": journal},
			{"Nats-Trace-Dest": journal, "Nats-Trace-Only": "true"},
			{"Nats-Msg-Id": "1", "Nats-Expected-Stream": stream},
			{"Nats-Schedule": "@every 1s", "Nats-Schedule-Target": journal},
			{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		} {
			process.Must(t, r.Ask(topic, journal, headers, []byte("hostile")))
		}
	}
}
