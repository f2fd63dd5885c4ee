package bus

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// A node proves who it is by what only it can hear. Whoever answers gives each node a word of its own,
// and says it into the inboxes of that node: the servers let nobody else listen there. A question that
// comes with the name of a node and without its word is not answered, but with the word; the node then
// asks again with it, and keeps it for the next question.
//
// An earlier imapvigil does not say its name, and is answered as nobody in particular.
const (
	fromHeader = "Imapvigil-From" // who asks
	wordHeader = "Imapvigil-Word" // the word of whoever asks, in a question; in an answer, that it has to be said
)

// askTimes is how often a question is asked at most: without the word, and again when a word has changed, since
// two may answer while one takes over from the other.
const askTimes = 4

// longestWord is the most bytes of a word, and mostWords how many are kept under one topic.
const (
	longestWord = 128
	mostWords   = 4
)

// words are those that a node was told.
type words struct {
	mu   sync.Mutex
	told map[Topic][]string // the newest first
}

// wordsUnder returns the words that were told under a topic.
func (w *words) wordsUnder(topic Topic) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.told[topic])
}

// keepWord keeps a word.
func (w *words) keepWord(topic Topic, word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[Topic][]string{}
	}
	if known := w.told[topic]; len(word) <= longestWord && !slices.Contains(known, word) {
		w.told[topic] = slices.Insert(known[:min(len(known), mostWords-1)], 0, word)
	}
}

// A wordGiver has a word for each node, under one topic. It keeps none of them.
type wordGiver struct {
	secret [32]byte
	topic  Topic
}

func newWordGiver(topic Topic) *wordGiver {
	g := &wordGiver{topic: topic}
	_, _ = rand.Read(g.secret[:]) // never fails (crypto/rand)
	return g
}

// wordFor returns the word of a node.
func (g *wordGiver) wordFor(node string) string {
	mac := hmac.New(sha256.New, g.secret[:])
	_, _ = mac.Write([]byte(string(g.topic) + "\x00" + node))
	return hex.EncodeToString(mac.Sum(nil))
}

// identify returns the node that a question is from, and whether it is to be answered: not where the answer would
// go elsewhere. tell is what is answered instead to whoever does not say its word.
func (g *wordGiver) identify(s subjects, m *nats.Msg) (from string, tell *nats.Msg, ok bool) {
	from = m.Header.Get(fromHeader)
	if from == "" {
		return "", nil, strings.HasPrefix(m.Reply, s.inboxes())
	}
	if len(from) > maxNodeName || !strings.HasPrefix(m.Reply, s.inbox(from)+".") {
		return "", nil, false
	}
	word := g.wordFor(from)
	for _, said := range m.Header.Values(wordHeader) {
		if hmac.Equal([]byte(word), []byte(said)) {
			return from, nil, true
		}
	}
	tell = &nats.Msg{Subject: m.Reply, Header: nats.Header{}}
	tell.Header.Set(wordHeader, word)
	return "", tell, false
}

// maxNodeName is the most bytes of the name of a node: that of a host (RFC 1035, section 2.3.4).
const maxNodeName = 253
