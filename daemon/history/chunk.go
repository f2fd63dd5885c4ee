package history

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"io"
	"slices"

	"github.com/imapvigil/imapvigil/config"
)

const hourMillis = 3600 * 1000

// hourOf returns the hour of a time, counted from 1970.
func hourOf(at int64) int64 { return at / hourMillis }

const chunkVersion = 1

// A packer compresses chunks, roll-ups and incidents; it is used again and again, since a
// new compressor takes 0.8 MB.
type packer struct {
	raw    []byte
	packed bytes.Buffer
	out    *flate.Writer
	in     io.ReadCloser
}

func newPacker() *packer {
	out, err := flate.NewWriter(io.Discard, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a good one
	}
	return &packer{out: out, in: flate.NewReader(bytes.NewReader(nil))}
}

// pack returns the raw bytes compressed, until the next call.
func (p *packer) pack() ([]byte, error) {
	p.packed.Reset()
	p.out.Reset(&p.packed)
	if _, err := p.out.Write(p.raw); err != nil {
		return nil, err
	}
	err := p.out.Close()
	return p.packed.Bytes(), err
}

// packText returns a text compressed, until the next call.
func (p *packer) packText(text []byte) ([]byte, error) {
	p.raw = append(p.raw[:0], text...)
	return p.pack()
}

// unpack returns what pack was given, until the next call.
func (p *packer) unpack(data []byte) ([]byte, error) {
	if err := p.in.(flate.Resetter).Reset(bytes.NewReader(data), nil); err != nil {
		return nil, err
	}
	p.packed.Reset()
	if _, err := io.Copy(&p.packed, io.LimitReader(p.in, maxInflated)); err != nil {
		return nil, errGarbled
	}
	return p.packed.Bytes(), nil
}

// packChunk returns the observations of a series in an hour, in the order of time, column by
// column: when, how it was, what was timed, and each phase.
func (p *packer) packChunk(hour int64, list []observation) ([]byte, error) {
	raw := p.raw[:0]
	raw = append(raw, chunkVersion)
	raw = binary.AppendUvarint(raw, uint64(len(list)))
	last, pace := hour*hourMillis, int64(0)
	for i := range list {
		// Probes come at an even pace: what is written is by how much it differs.
		step := list[i].at - last
		raw = binary.AppendVarint(raw, step-pace)
		last, pace = list[i].at, step
	}
	for i := range list {
		raw = append(raw, byte(list[i].status))
	}
	for phase := range config.PhaseCount {
		used := false
		for i := range list {
			used = used || list[i].times[phase] != 0
		}
		if !used {
			raw = append(raw, 0)
			continue
		}
		raw = append(raw, 1)
		for i := range list {
			raw = append(raw, list[i].times[phase])
		}
	}
	p.raw = raw
	return p.pack()
}

// unpackChunk appends the observations of a chunk.
func (p *packer) unpackChunk(list []observation, series, hour int64, data []byte) ([]observation, error) {
	raw, err := p.unpack(data)
	if err != nil || len(raw) == 0 || raw[0] != chunkVersion {
		return list, errGarbled
	}
	count, n := binary.Uvarint(raw[1:])
	raw = raw[1+max(n, 0):]
	if n <= 0 || count > uint64(len(raw)) {
		return list, errGarbled
	}
	begin := len(list)
	last, pace := hour*hourMillis, int64(0)
	for range count {
		differs, n := binary.Varint(raw)
		if n <= 0 {
			return list[:begin], errGarbled
		}
		raw = raw[n:]
		pace += differs
		last += pace
		list = append(list, observation{series: series, at: last})
	}
	if err := unpackColumns(list[begin:], raw); err != nil {
		return list[:begin], err
	}
	return list, nil
}

// unpackColumns reads how it was and the phases.
func unpackColumns(list []observation, raw []byte) error {
	n := len(list)
	if len(raw) < n {
		return errGarbled
	}
	for i := range list {
		list[i].status = status(raw[i])
	}
	raw = raw[n:]
	for phase := range config.PhaseCount {
		switch {
		case len(raw) > 0 && raw[0] == 0:
			raw = raw[1:]
		case len(raw) > n && raw[0] == 1:
			for i := range list {
				list[i].times[phase] = raw[1+i]
			}
			raw = raw[1+n:]
		default:
			return errGarbled
		}
	}
	return nil
}

// mergeObservations puts the observations of a series in the order of time, each once: what
// was folded before a crash is folded again after it.
func mergeObservations(list []observation) []observation {
	slices.SortStableFunc(list, func(a, b observation) int { return cmp.Compare(a.at, b.at) })
	return slices.CompactFunc(list, func(a, b observation) bool { return a.at == b.at })
}
