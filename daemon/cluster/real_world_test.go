//go:build !quick

package cluster_test

import (
	"encoding/binary"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A realWorld is what machines see when they probe, and what their clocks show. It is a file, so that
// also a process that was stopped, or has just begun, sees what is the case now.
type realWorld struct {
	file     *os.File
	clusters int // that each machine is in
}

// Of each machine the file has two numbers, and then of each cluster a byte for each check, and one for what a
// person orders.
const (
	numbersOfWorld = 16
	bytesOfCluster = checksOfRound + 1
)

func openWorld(path string, clusters int) (*realWorld, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	return &realWorld{file, clusters}, err
}

func (w *realWorld) place(machine int) int64 {
	return int64(machine * (numbersOfWorld + w.clusters*bytesOfCluster))
}

// setFailing says whether a check fails from now on, as one machine sees it.
func (w *realWorld) setFailing(machine, cluster, check int, failing bool) error {
	value := byte(0)
	if failing {
		value = 1
	}
	return w.setByte(machine, cluster, check, value)
}

func (w *realWorld) setByte(machine, cluster, check int, value byte) error {
	_, err := w.file.WriteAt([]byte{value}, w.placeOf(machine, cluster, check))
	return err
}

func (w *realWorld) placeOf(machine, cluster, check int) int64 {
	return w.place(machine) + numbersOfWorld + int64(cluster*bytesOfCluster+check)
}

// failing reports whether a check fails now, as a machine sees it.
func (w *realWorld) failing(machine, cluster, check int) bool {
	return w.getByte(machine, cluster, check) != 0
}

// getByte returns 0 beyond the end of the file: all has been well from the beginning.
func (w *realWorld) getByte(machine, cluster, check int) byte {
	var value [1]byte
	_, _ = w.file.ReadAt(value[:], w.placeOf(machine, cluster, check))
	return value[0]
}

// setOrder says what a person orders of a machine, as a node of a cluster.
func (w *realWorld) setOrder(machine, cluster, order int) error {
	return w.setByte(machine, cluster, checksOfRound, byte(order))
}

func (w *realWorld) order(machine, cluster int) int {
	return int(w.getByte(machine, cluster, checksOfRound))
}

// A number is what the file has of a machine beside what it sees.
type number int64

const (
	clockAhead number = 0 // how far its clock is ahead; the machine reads it
	lateness   number = 8 // by how much its process was late in all, see [watchLateness]; the machine writes it
)

func (w *realWorld) set(machine int, which number, d time.Duration) error {
	_, err := w.file.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(d)), w.place(machine)+int64(which))
	return err
}

func (w *realWorld) get(machine int, which number) time.Duration {
	var value [8]byte
	if _, err := w.file.ReadAt(value[:], w.place(machine)+int64(which)); err != nil {
		return 0
	}
	return time.Duration(binary.LittleEndian.Uint64(value[:]))
}

// uptime is the clock by which all processes of a round say when something was.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // every Linux has it
	}
	return time.Duration(t.Nano())
}
