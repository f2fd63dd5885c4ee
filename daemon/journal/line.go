package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

const (
	version = 1
	// MaxData is the most bytes that a record's data may have. An event or a
	// delivery needs some hundred.
	MaxData = 1 << 20

	maxKind = 64
	maxLine = MaxData + maxKind + 256 // numbers, names of fields and checksum included
	maxSeq  = 1 << 53                 // what jq and JavaScript count to: 10^6 records a second for 285 years
)

// What can be wrong with a line, for a DamageError.
var (
	errChecksum    = errors.New("the checksum does not match")
	errForm        = errors.New("not a line of this format")
	errOrder       = errors.New("out of sequence")
	errMissing     = errors.New("lines are missing")
	errCutShort    = errors.New("cut short")
	errSuspect     = errors.New("the first line is damaged, the snapshot before this one is used")
	errMissingFile = errors.New("the file before this one is missing")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the first line of every file.
type header struct {
	Journal string    `json:"journal"` // "segment" or "snapshot"
	Version int       `json:"version"`
	First   uint64    `json:"first,omitempty"` // of a segment: its first record
	Through uint64    `json:"through"`         // the last record in the file when it got its name
	Parts   uint64    `json:"parts,omitempty"` // of a snapshot: how many lines follow
	At      time.Time `json:"at"`
}

// fileNumber returns the number that the file's name has.
func (h header) fileNumber() uint64 {
	if h.Journal == "snapshot" {
		return h.Through
	}
	return h.First
}

// entry is every other line.
type entry struct {
	Record
	batch  uint64 // of a segment: the first record of the same group commit
	part   uint64 // of a snapshot: 1, 2, ...
	closed bool   // no record: the mark of Close after record Seq
	start  int64  // where the line is in its file, when it was read
	end    int64
}

// append appends the first line of a file to b.
func (h header) append(b []byte) []byte {
	h.At = h.At.UTC()
	text, err := json.Marshal(h)
	if err != nil {
		panic(err) // numbers and a time that check has accepted
	}
	return closeWithChecksum(append(b, text[:len(text)-1]...), len(b))
}

// append appends the line of a record, or of the mark of Close, to b.
func (e entry) append(b []byte) []byte {
	start := len(b)
	if e.closed {
		b = strconv.AppendUint(append(b, `{"closed":`...), e.Seq, 10)
		b = appendTime(append(b, `,"at":"`...), e.At)
		return closeWithChecksum(append(b, '"'), start)
	}
	b = strconv.AppendUint(append(b, `{"seq":`...), e.Seq, 10)
	if e.part > 0 {
		b = strconv.AppendUint(append(b, `,"part":`...), e.part, 10)
	} else {
		b = strconv.AppendUint(append(b, `,"batch":`...), e.batch, 10)
	}
	b = appendTime(append(b, `,"at":"`...), e.At)
	b = append(append(b, `","kind":"`...), e.Kind...)
	b = append(append(b, `","data":`...), e.Data...)
	return closeWithChecksum(b, start)
}

func appendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, time.RFC3339Nano) }

// closeWithChecksum closes the object that begins at b[start] with its checksum.
func closeWithChecksum(b []byte, start int) []byte {
	sum := crc32.Checksum(b[start:], castagnoli)
	return appendChecksum(b, sum)
}

// appendChecksum appends the last field of a line, and ends it.
func appendChecksum(b []byte, sum uint32) []byte {
	const digits = "0123456789abcdef"
	b = append(b, `,"crc":"`...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[sum>>shift&0xf])
	}
	return append(b, '"', '}', '\n')
}

// cutChecksum returns what stands before the checksum of a line without its newline.
func cutChecksum(line []byte) ([]byte, error) {
	const length = len(`,"crc":"00000000"}`)
	if len(line) <= length {
		return nil, errForm
	}
	body, tail := line[:len(line)-length], line[len(line)-length:]
	var room [length + 1]byte
	want := appendChecksum(room[:0], crc32.Checksum(body, castagnoli))
	if !bytes.Equal(tail, want[:length]) {
		return nil, errChecksum
	}
	return body, nil
}

// A versionError is not damage: the file is whole, this program is too old.
type versionError struct{ version int }

func (e *versionError) Error() string {
	return fmt.Sprintf("the journal has format version %d, this imapvigil reads up to %d: start the newer imapvigil that wrote it, or give this one another state directory", e.version, version)
}

// parseHeader accepts exactly what header.append writes. The error is a *versionError if a
// newer imapvigil wrote the line.
func parseHeader(line []byte) (header, error) {
	body, err := cutChecksum(line)
	if err != nil {
		return header{}, err
	}
	var h header
	object := append(bytes.Clone(body), '}')
	if json.Unmarshal(object, &h) != nil || !isValidTime(h.At) || h.Journal != "segment" && h.Journal != "snapshot" {
		return header{}, errForm
	}
	// Before the line is compared: a newer version may have more fields.
	if h.Version > version {
		return header{}, &versionError{h.Version}
	}
	if again := h.append(nil); !bytes.Equal(again[:len(again)-1], line) || !h.isValid() {
		return header{}, errForm
	}
	return h, nil
}

// isValid reports whether the fields of a header fit each other.
func (h header) isValid() bool {
	if h.Version != version || h.Through > maxSeq || h.Parts > maxSeq {
		return false
	}
	return h.Journal == "snapshot" && h.First == 0 || h.Journal == "segment" && h.First > 0 && h.Through+1 >= h.First && h.Parts == 0
}

// parseEntry accepts exactly what entry.append writes, byte for byte. The Data
// of its result is part of line.
func parseEntry(line []byte) (e entry, err error) {
	body, err := cutChecksum(line)
	if err != nil {
		return entry{}, err
	}
	var ok bool
	if e.Seq, body, ok = cutNumber(body, `{"closed":`); ok {
		e.closed = true
		if e.At, body, ok = cutTime(body); !ok || len(body) > 0 {
			return entry{}, errForm
		}
		return e, nil
	}
	if e.Seq, body, ok = cutNumber(body, `{"seq":`); !ok {
		return entry{}, errForm
	}
	if e.part, body, ok = cutNumber(body, `,"part":`); !ok {
		e.batch, body, ok = cutNumber(body, `,"batch":`)
	}
	if !ok || e.part == 0 && (e.batch == 0 || e.batch > e.Seq) {
		return entry{}, errForm
	}
	if e.At, body, ok = cutTime(body); !ok {
		return entry{}, errForm
	}
	if e.Kind, body, ok = cutString(body, `,"kind":"`); !ok || !isValidKind(e.Kind) {
		return entry{}, errForm
	}
	if e.Data, ok = bytes.CutPrefix(body, []byte(`,"data":`)); !ok || len(e.Data) > MaxData || !json.Valid(e.Data) {
		return entry{}, errForm
	}
	return e, nil
}

// cutNumber takes name and a number without leading zeros from the front of b.
// When it cannot, it gives b back as it was.
func cutNumber(b []byte, name string) (n uint64, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(b, []byte(name))
	if !ok {
		return 0, b, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	if digits > 1 && rest[0] == '0' {
		return 0, b, false
	}
	n, err := strconv.ParseUint(string(rest[:digits]), 10, 64)
	if err != nil || n > maxSeq {
		return 0, b, false
	}
	return n, rest[digits:], true
}

// cutString takes name and the text up to the next quote from the front of b.
func cutString(b []byte, name string) (s string, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(b, []byte(name))
	if !ok {
		return "", b, false
	}
	text, rest, ok := bytes.Cut(rest, []byte{'"'})
	return string(text), rest, ok
}

// cutTime takes the time of a record from the front of b, in the one form in which it is
// written.
func cutTime(b []byte) (t time.Time, rest []byte, ok bool) {
	text, rest, ok := cutString(b, `,"at":"`)
	if !ok {
		return t, b, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, b, false
	}
	return t.UTC(), rest, string(appendTime(nil, t)) == text
}

// isValidKind keeps a kind free of what JSON would have to escape.
func isValidKind(kind string) bool {
	if kind == "" || len(kind) > maxKind {
		return false
	}
	for i := range len(kind) {
		if c := kind[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
