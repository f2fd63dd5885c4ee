package history

import (
	"slices"
	"testing"
	"time"
)

// What a damaged file holds is refused, and never ends the process; what is read is written as it
// was.
func FuzzRowsOfADamagedFile(f *testing.F) {
	p := newPacker()
	chunk, err := p.packChunk(0, []observation{{at: 1000, status: firstStatus}, {at: 61_000, status: 2}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Clone(chunk))
	var d day
	d[3] = &rollup{n: 60, ok: 59, down: 1}
	d[3].total[100] = 59
	packed, err := p.packDay(&d)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slices.Clone(packed))
	f.Add(appendRollup([]byte{dayVersion}, d[3]))
	var row logRow
	row.begin(time.Now().UnixMilli())
	row.addObservation(&observation{series: 7, at: 5}, 0)
	f.Add(row.data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := p.unpackChunk(nil, 1, 0, data); err == nil {
			again, err := p.packChunk(0, list)
			if err != nil {
				t.Fatal(err)
			}
			if same, err := p.unpackChunk(nil, 1, 0, slices.Clone(again)); err != nil || !slices.Equal(same, list) {
				t.Fatalf("%v became %v, %v", list, same, err)
			}
		}
		_, _ = p.unpackDay(data)
		_, _ = readDay(data)
		_, _ = inflate(data)
		_ = readLog(data, func(o *observation) { _ = o.status.check() })
	})
}
