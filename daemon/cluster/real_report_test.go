//go:build !quick

package cluster_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"
)

// A report is what a machine says of what happens on it, in a line of a file.
type report struct {
	At      time.Duration // uptime
	Machine int           `json:"-"`
	Cluster int
	Kind    string // role, told, opened, refused; place and made: see obeyOrders

	Role string `json:",omitempty"` // of a role
	Term uint64 `json:",omitempty"` // of a role; of what is told: in which the node decides, or decided last; of a place: which
	// Of what is told, and of an incident that was opened.
	Key       string    `json:",omitempty"`
	Incident  string    `json:",omitempty"`
	Check     string    `json:",omitempty"`
	Condition string    `json:",omitempty"`
	What      string    `json:",omitempty"`
	Started   time.Time `json:",omitzero"`
	From      string    `json:",omitempty"`
	Own       bool      `json:",omitempty"` // the node is alone: this is in its own journal
}

// A reportFile is written by a machine, and read by whoever judges.
type reportFile struct {
	file *os.File
	rest []byte // of what was read: a line that is not whole yet
}

// openReports opens the file of a machine to add to it, and to read it.
func openReports(path string) (*reportFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	return &reportFile{file: file}, err
}

// add writes a report, at once and as a whole.
func (f *reportFile) add(r report) {
	r.At = uptime()
	line, err := json.Marshal(r)
	if err == nil {
		_, err = f.file.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err) // the test cannot judge
	}
}

// read returns what was added since the last time.
func (f *reportFile) read() (reports []report, err error) {
	more, err := io.ReadAll(f.file)
	if err != nil {
		return nil, err
	}
	f.rest = append(f.rest, more...)
	for {
		line, rest, whole := bytes.Cut(f.rest, []byte("\n"))
		if !whole {
			return reports, nil
		}
		f.rest = rest
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, err
		}
		reports = append(reports, r)
	}
}

// A probeNote is that a check was probed.
type probeNote struct {
	Cluster, Check uint32
	At             time.Duration // uptime
}

// note writes that a check was probed.
func (p probeNote) note(file *os.File) {
	line := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, p.Cluster), p.Check)
	if _, err := file.Write(binary.LittleEndian.AppendUint64(line, uint64(p.At))); err != nil {
		panic(err) // the test cannot judge
	}
}

// readProbes calls each with all notes of a file.
func readProbes(path string, each func(probeNote)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	all := bufio.NewReader(file)
	for {
		var p probeNote
		switch err := binary.Read(all, binary.LittleEndian, &p); {
		case err == nil:
			each(p)
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}
