package stream

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// Whatever is in a message, a copy can keep what it is read as, and what is read as ours comes to the
// same when it is written again.
func FuzzMessage(f *testing.F) {
	r := journal.Record{At: time.Unix(1, 0).UTC(), Kind: "opened", Data: []byte(`{"n":1}`)}
	one := encodeRecord(nil, r)
	e := envelope{V: 1, Term: 3, Era: "nodes-begin-0-1", Prev: sumOf(nil)}
	f.Add(e.encode(one))
	f.Add(e.encode(append(append(bytes.Clone(one), ','), one...)))
	f.Add(envelope{V: 1, Term: 3, Whole: &part{2, 5}}.encode(nil))
	f.Add(envelope{V: 1, Term: 3, Packed: pack(one)}.encode(nil))
	f.Add([]byte(`{"v":2,"records":"other"}`))
	f.Add([]byte(`{"v":1,"records":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMessage(data)
		if err != nil {
			return
		}
		for _, r := range m.records {
			if err := r.Fits(); err != nil {
				t.Errorf("a record that no copy takes: %v", err)
			}
		}
		if !m.Whole.isValid() || m.Packed != nil {
			t.Errorf("%+v", m.envelope)
		}
		if m.V > speaks {
			return
		}
		bodies, refused := split(m.records, time.Unix(0, 0))
		if refused != nil || len(bodies) > 1 { // it was packed, or has needless spaces
			return
		}
		body := body{}
		if len(bodies) == 1 {
			body = bodies[0]
		}
		m.Packed = body.packed
		again, err := parseMessage(m.encode(body.records))
		if m.Packed = nil; err != nil || !cmp.Equal(m.envelope, again.envelope) || len(m.records) != len(again.records) {
			t.Errorf("%v: %+v, again: %+v", err, m, again)
		}
		for i, r := range m.records {
			if d := cmp.Diff(r, again.records[i]); d != "" {
				t.Error(d)
			}
		}
	})
}

// What split makes fits into a message.
func TestMessagesAreSmallEnough(t *testing.T) {
	t.Parallel()
	e := envelope{V: speaks, Term: 1 << 53, Era: "a-node-with-a-name-of-sixty-three-characters-which-is-the-most-12-0123456789ab-9007199254740992", Prev: sumOf(nil), Whole: &part{1 << 30, 1 << 30}}
	if n := len(e.encode(nil)) + maxRecords; n > bus.MaxMessage {
		t.Errorf("a message may have %d bytes", n)
	}
}

// A record is kept as encoding/json makes its data small.
func FuzzNormalise(f *testing.F) {
	for _, text := range []string{
		`null`, `{"a":"b c"}`, `{"a" :1}`, `["\\", "\""]`, `"\\\""`, ` 1`, "{\"a\":\t[]}", `{"a"`, `"`, `"\`, "\"\u2028<\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want bytes.Buffer
		wantErr := json.Compact(&want, data)
		if len(data) == 0 {
			want.WriteString("null")
			wantErr = nil
		}
		got, err := normalise(journal.Record{At: time.Unix(1, 0), Kind: "opened", Data: bytes.Clone(data)}, time.Time{})
		if (err == nil) != (wantErr == nil) || err == nil && string(got.Data) != want.String() {
			t.Errorf("%q becomes %q, %v; want %q, %v", data, got.Data, err, &want, wantErr)
		}
	})
}
