package journal

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

// event is about as large as a journaled transition.
var event = json.RawMessage(`{"incident":"01JTZK3V9A","check":"germany/berlin/mx1/imaps","condition":"service","from":"failing","to":"open","phase":"connect","cause":"connection_refused","address":"192.0.2.10:993","started_at":"2026-05-01T11:58:00Z","server":"mx1.example.org"}`)

func events(n int) []Record {
	return slices.Repeat([]Record{{At: noon, Kind: "incident.opened", Data: event}}, n)
}

func benchAppend(b *testing.B, total, batch int) {
	all := events(total)
	for b.Loop() {
		b.StopTimer()
		j, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for part := range slices.Chunk(all, batch) {
			appendDurably(b, j, part)
		}
		b.StopTimer()
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// One transition, one fsync: what an alarm waits for.
func BenchmarkAppendOne(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	one := events(1)
	for b.Loop() {
		appendDurably(b, j, one)
	}
	j.Close()
}

// appendDurably does not give up on a disk that others keep busy.
func appendDurably(b *testing.B, j *Journal, records []Record) {
	err := j.Append(records...)
	if err != nil && !errors.Is(err, ErrNotDurable) {
		b.Fatal(err)
	}
	for !j.Status().Durable {
		<-j.Changed()
	}
}

// The target is 0.2 s.
func BenchmarkAppend10000(b *testing.B) { benchAppend(b, 10_000, 4096) }

func BenchmarkAppend100000(b *testing.B) { benchAppend(b, 100_000, 4096) }

// The target is 1 s, Open and Replay together.
func BenchmarkReplay100000(b *testing.B) {
	dir := b.TempDir()
	j, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for part := range slices.Chunk(events(100_000), 4096) {
		appendDurably(b, j, part)
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range j.Replay() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 100_000 {
			b.Fatal(n)
		}
		b.StopTimer()
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkCompact100000(b *testing.B) {
	j, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	state := events(100_000)
	for b.Loop() {
		if err := j.Compact(slices.Values(state)); err != nil && !errors.Is(err, ErrNotDurable) {
			b.Fatal(err)
		}
		j.background.Wait()
	}
	j.Close()
}
