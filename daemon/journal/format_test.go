package journal

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var writeSample = flag.Bool("sample", false, "write a sample of this version's format, if testdata has none")

// Every version of the format that was ever released stays readable: testdata has
// a journal of each, and it is never changed. A new version adds one, written by
// `go test -run Version -sample`.
func TestEveryVersionStaysReadable(t *testing.T) {
	if *writeSample {
		writeSamples(t, filepath.Join("testdata", fmt.Sprintf("v%d", version)))
	}
	for v := 1; v <= version; v++ {
		for _, kind := range []string{"closed", "crashed"} {
			t.Run(fmt.Sprintf("v%d/%s", v, kind), func(t *testing.T) {
				from := filepath.Join("testdata", fmt.Sprintf("v%d", v), kind)
				golden, err := os.ReadFile(from + ".golden")
				if err != nil {
					t.Fatal(err)
				}
				dir := filepath.Join(t.TempDir(), "journal")
				if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(golden), transcript(collect(t, Read(dir)))); d != "" {
					t.Errorf("Read (-want +got):\n%s", d)
				}
				j := mustOpen(t, dir, Options{})
				if d := cmp.Diff(string(golden), transcript(collect(t, j.Replay()))); d != "" {
					t.Errorf("Replay (-want +got):\n%s", d)
				}
				if s := j.Status(); s.Damaged || !s.Durable || s.Clean != (kind == "closed") || (s.TornBytes > 0) != (kind == "crashed") {
					t.Errorf("%+v", s)
				}
				mustAppend(t, j, rec(99))
				mustClose(t, j)
				if all := collect(t, Read(dir)); !bytes.Equal(all[len(all)-1].Data, rec(99).Data) {
					t.Errorf("what was appended does not come back: %v", all)
				}
			})
		}
	}
}

func transcript(records []Record) string {
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "%d %s %s %s\n", r.Seq, appendTime(nil, r.At), r.Kind, r.Data)
	}
	return b.String()
}

func clock() time.Time { return noon }

func writeSamples(t *testing.T, dir string) {
	disk := newSimDisk()
	p := disk.process()
	j := mustOpen(t, simDir, Options{FS: p, SegmentBytes: 600, Now: clock})
	mustAppend(t, j, recs(1, 4)...)
	mustCompact(t, j, recs(1, 3))
	mustAppend(t, j, recs(5, 9)...)
	mustAppend(t, j,
		Record{At: noon.AddDate(0, 0, 1).Add(123456789), Kind: "told", Data: json.RawMessage(`{"words":"\u001b[31m \"größer\" \\ 好"}`)},
		Record{At: noon.AddDate(0, 0, 2), Kind: "nothing to say"})
	mustAppend(t, j, rec(12))
	p.kill()
	j.Close()
	crashed := disk.image()
	newest := segmentName(12)
	crashed[newest] = append(crashed[newest], `{"seq":13,"batch":13,"at":"2026-05-01T12:0`...)
	writeImage(t, filepath.Join(dir, "crashed"), crashed)

	j = mustOpen(t, simDir, Options{FS: disk.process(), SegmentBytes: 600, Now: clock})
	mustAppend(t, j, rec(13))
	mustClose(t, j)
	writeImage(t, filepath.Join(dir, "closed"), disk.image())
}

func writeImage(t *testing.T, dir string, m image) {
	if _, err := os.Stat(dir); err == nil {
		t.Fatalf("%s is there: never change it", dir)
	}
	m.write(t, dir)
	golden := transcript(collect(t, Read(dir)))
	if err := os.WriteFile(dir+".golden", []byte(golden), 0o666); err != nil {
		t.Fatal(err)
	}
}

// write makes a real directory of m.
func (m image) write(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, data := range m {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
