package bus

import (
	"bytes"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestPartsInAnyOrderOfSeveralAnswers(t *testing.T) {
	t.Parallel()
	one, other := bytes.Repeat([]byte("1"), 2*MaxMessage+1), bytes.Repeat([]byte("2"), 2*MaxMessage)
	first, second := split("inbox", one), split("inbox", other)
	if len(first) != 3 || len(second) != 2 {
		t.Fatal(len(first), len(second))
	}
	var p parts
	for _, m := range []*nats.Msg{first[2], second[1], first[0], first[0]} {
		if p.collect(m) {
			t.Fatal("complete too soon")
		}
	}
	if !p.collect(second[0]) || !bytes.Equal(p.whole, other) {
		t.Error("the answer that was complete first is", len(p.whole), "bytes long")
	}
}

// FuzzParts: whatever another node sends, what is kept of it has a limit.
func FuzzParts(f *testing.F) {
	f.Add("a", "1", "2", []byte("x"))
	f.Add("", "0", "-1", []byte(nil))
	f.Add("a", "9999999999999999999", "2", []byte(nil))
	f.Add("a", "1", "1000000000", []byte(nil))
	f.Fuzz(func(t *testing.T, name, part, of string, data []byte) {
		h := nats.Header{}
		h.Set(answerHeader, name)
		h.Set(partHeader, part)
		h.Set(partsHeader, of)
		var p parts
		for range 3 {
			if !p.collect(&nats.Msg{Header: h, Data: data}) {
				continue
			}
			if !bytes.Equal(p.whole, data) {
				t.Errorf("%q of %q: %q became %q", part, of, data, p.whole)
			}
			return // nothing is collected after a whole answer
		}
	})
}
