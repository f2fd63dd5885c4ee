package stream

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/imapvigil/imapvigil/daemon/bus"
	"github.com/imapvigil/imapvigil/daemon/journal"
)

// speaks is the version of messages that this imapvigil writes, and the newest that it reads.
const speaks = 1

// maxRecords is how many bytes of records a message holds: the rest is for what stands around them.
const maxRecords = bus.MaxMessage - 1024

// maxUnpacked bounds what a packed message may hold: one record as large as a journal takes.
const maxUnpacked = journal.MaxData + 1024

// An envelope is what a message says beside its records.
type envelope struct {
	V    int    `json:"v"`
	Term uint64 `json:"term"` // the sequence of the message with which its writer began to decide
	// Era names the last deliberate new beginning that the message rests on: the making of the
	// stream, or a rebase. It is empty until the first whole state is complete.
	Era  string `json:"era,omitempty"`
	Prev string `json:"prev,omitempty"` // the sum of the message before
	// Whole says that the records are a part of the whole state as of its first part.
	Whole *part `json:"whole,omitempty"`
	// Packed are the records, compressed, where one alone would be too large.
	Packed []byte `json:"packed,omitempty"`
}

// A part is a message's place in a whole state.
type part struct {
	N  int `json:"n"` // from 1
	Of int `json:"of"`
}

// A message is what one entry of the stream says.
type message struct {
	envelope
	records []journal.Record
}

// wireRecord is a record as messages hold it.
type wireRecord struct {
	At   time.Time       `json:"at"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data"`
}

var (
	errNotOurs = errors.New("not a message of imapvigil")
	errTooMany = errors.New("it holds too much")
)

// sumOf returns the hash by which the next message names this one.
func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encode returns the bytes of a message whose records are encoded already.
func (e envelope) encode(records []byte) []byte {
	head, err := json.Marshal(e)
	if err != nil {
		panic(err) // numbers and strings
	}
	if e.Packed != nil {
		return head
	}
	b := make([]byte, 0, len(head)+len(records)+len(`,"records":[]`))
	b = append(append(b, head[:len(head)-1]...), `,"records":[`...)
	return append(append(b, records...), ']', '}')
}

// encodeRecord appends a record, in the form that normalise gives it, to b.
func encodeRecord(b []byte, r journal.Record) []byte {
	b = r.At.UTC().AppendFormat(append(b, `{"at":"`...), time.RFC3339Nano)
	b = append(append(b, `","kind":"`...), r.Kind...)
	b = append(append(b, `","data":`...), r.Data...)
	return append(b, '}')
}

// normalise returns a record as all copies will keep it.
func normalise(r journal.Record, now time.Time) (journal.Record, error) {
	if len(r.Data) > 0 && !json.Valid(r.Data) {
		return r, fmt.Errorf("data of kind %q is not JSON", r.Kind)
	}
	return normaliseValid(r, now)
}

// normaliseValid does what normalise does with a record that has JSON as its data, or nothing.
func normaliseValid(r journal.Record, now time.Time) (journal.Record, error) {
	if r.At.IsZero() {
		r.At = now
	}
	r.Seq, r.At = 0, r.At.UTC().Round(0)
	switch {
	case len(r.Data) == 0:
		r.Data = json.RawMessage("null")
	case hasSpace(r.Data): // nearly nothing that is journaled has, and to look for it takes a tenth of the time
		var data bytes.Buffer
		if err := json.Compact(&data, r.Data); err != nil {
			return r, fmt.Errorf("data of kind %q is not JSON: %w", r.Kind, err)
		}
		r.Data = data.Bytes()
	}
	return r, r.Fits()
}

// hasSpace reports whether valid JSON has space between its words.
func hasSpace(data []byte) bool {
	quoted := false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case b == '"':
			quoted = !quoted
		case quoted && b == '\\':
			i++
		case !quoted && b <= ' ':
			return true
		}
	}
	return false
}

// A body is the records of one message, encoded.
type body struct {
	records []byte
	packed  []byte // in place of records
}

// split returns the bodies that records come to, each of which fits a message, and the errors of
// those records that do not fit one. The order is kept.
func split(records []journal.Record, now time.Time) (bodies []body, refused error) {
	s := splitter{now: now}
	for i, r := range records {
		if err := s.add(r); err != nil {
			refused = errors.Join(refused, &journal.RefusedError{Index: i, Kind: r.Kind, Err: err})
		}
	}
	return s.finish(), refused
}

// A splitter makes bodies of records.
type splitter struct {
	now    time.Time
	bodies []body
	open   []byte
}

// add adds a record. The error says that it cannot be kept.
func (s *splitter) add(r journal.Record) error {
	r, err := normalise(r, s.now)
	if err != nil {
		return err
	}
	start := len(s.open)
	if start > 0 {
		s.open = append(s.open, ',')
	}
	s.open = encodeRecord(s.open, r)
	if len(s.open) <= maxRecords {
		return nil
	}
	one := encodeRecord(nil, r)
	s.open = s.open[:start]
	if len(one) <= maxRecords {
		s.finish()
		s.open = one
		return nil
	}
	packed := pack(one)
	if base64 := (len(packed) + 2) / 3 * 4; base64 > maxRecords {
		return fmt.Errorf("data of kind %q has %d bytes, which are %d when packed, and a message holds %d",
			r.Kind, len(r.Data), base64, maxRecords)
	}
	s.finish()
	s.bodies = append(s.bodies, body{packed: packed})
	return nil
}

// finish ends the open body and returns all.
func (s *splitter) finish() []body {
	if len(s.open) > 0 {
		s.bodies = append(s.bodies, body{records: s.open})
		s.open = nil
	}
	return s.bodies
}

// pack compresses records (RFC 1951).
func pack(records []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(records)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err) // into memory
	}
	return b.Bytes()
}

// parseMessage reads a message. One of a newer version has its envelope, and one record of the
// kind cluster.unread with all of it. errNotOurs is returned for whatever else is in the stream.
func parseMessage(data []byte) (message, error) {
	var read struct {
		envelope
		Records []wireRecord `json:"records"`
	}
	err := json.Unmarshal(data, &read)
	if err != nil || read.V != speaks {
		return parseOther(data)
	}
	if read.Packed != nil {
		text, err := unpack(read.Packed)
		if err != nil || json.Unmarshal(text, &read.Records) != nil {
			return message{}, errNotOurs
		}
		read.Packed = nil
	}
	m := message{envelope: read.envelope, records: make([]journal.Record, 0, len(read.Records))}
	for _, r := range read.Records {
		kept, err := normaliseValid(journal.Record{At: r.At, Kind: r.Kind, Data: r.Data}, time.Unix(0, 0))
		if err != nil {
			return message{}, errNotOurs
		}
		m.records = append(m.records, kept)
	}
	if !m.Whole.isValid() {
		return message{}, errNotOurs
	}
	return m, nil
}

// parseOther reads a message that this version does not write.
func parseOther(data []byte) (m message, err error) {
	if json.Unmarshal(data, &m.envelope) != nil || m.V <= speaks {
		return message{}, errNotOurs
	}
	m.Whole, m.Packed = nil, nil // whatever that says then
	m.records = []journal.Record{{At: time.Unix(0, 0).UTC(), Kind: kindUnread, Data: asText(data)}}
	return m, nil
}

// asText returns JSON that holds bytes as text: what a newer version writes need not be JSON.
func asText(data []byte) json.RawMessage {
	if json.Valid(data) && len(data) <= journal.MaxData {
		return data
	}
	return json.RawMessage(strconv.Quote(sumOf(data)))
}

// unpack returns the JSON list of packed records.
func unpack(packed []byte) ([]byte, error) {
	b := bytes.NewBufferString("[")
	n, err := io.Copy(b, io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = errTooMany
	}
	b.WriteByte(']')
	return b.Bytes(), err
}

// isValid reports whether a part can be one.
func (p *part) isValid() bool { return p == nil || p.N >= 1 && p.N <= p.Of }
