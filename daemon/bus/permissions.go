package bus

// subjects says what topics and the stream are called on the servers, for one cluster.
type subjects struct{ cluster string }

// of returns the subject of a topic.
func (s subjects) of(topic Topic) string { return "iv." + s.cluster + "." + string(topic) }

// stream returns the name of the stream.
func (s subjects) stream() string { return "iv_" + s.cluster + "_journal" }

// api returns the subject of one of the server's functions for the stream.
func (s subjects) api(function string) string { return "$JS.API." + function + "." + s.stream() }

// lastOf returns the subject under which the server gives out the last message of the stream.
func (s subjects) lastOf() string { return s.api(directGet) + "." + s.of(Journal) }

// inboxes returns with what the subjects begin at which answers arrive.
func (s subjects) inboxes() string { return "_INBOX.iv." + s.cluster + "." }

// inbox returns where the answers to a node's own questions arrive, without the last tokens.
func (s subjects) inbox(node string) string { return s.inboxes() + encodeNode(node) }

// The functions of the server for a stream.
const (
	directGet    = "DIRECT.GET"
	streamInfo   = "STREAM.INFO"
	streamGet    = "STREAM.MSG.GET"
	streamPurge  = "STREAM.PURGE"
	streamCreate = "STREAM.CREATE"

	streamStepDown = "STREAM.LEADER.STEPDOWN"
)

// Permissions returns the subjects that the connection of a node has to be allowed to publish and
// to subscribe to; it uses no others. A node that does not decide can neither write the journal nor
// speak as the one that decides, not even if it was taken over. So it asks the servers nothing: they publish
// their answers wherever whoever asks wants them, also into the journal. It reads the journal by
// asking a node that decides or may decide. Answers go to inboxes whose last part is random, and
// which only the node that asks hears.
func Permissions(cluster, node string, decide bool) (publish, subscribe []string) {
	s := subjects{cluster}
	publish = []string{
		s.of(Heartbeat(node)),
		s.of(SightsOf(node)),
		s.of("ask.*"),
		s.of(Seat),
		s.inboxes() + ">",
	}
	subscribe = []string{
		s.of(Heartbeat(node)),
		s.of(Beat),
		s.of(Wake),
		s.of(Log),
		s.of(Node(node)),
		s.inbox(node) + ".>",
	}
	if !decide {
		return publish, subscribe
	}
	publish = append(publish,
		s.of(Beat),
		s.of(Wake),
		s.of(Journal),
		s.api(directGet),
		s.lastOf(),
		s.api(streamInfo),
		s.api(streamGet),
		s.api(streamPurge),
		s.api(streamCreate),
		s.api(streamStepDown),
	)
	subscribe = append(subscribe,
		s.of(Heartbeats),
		s.of(Sights),
		s.of(Seat),
	)
	return publish, subscribe
}
