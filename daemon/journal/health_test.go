package journal

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fails lets an operation on a disk fail; partly is what is written of a write.
func fails(errno error, partly int, ops ...string) fault {
	return func(op, name string) (int, error) {
		if slices.Contains(ops, op) {
			return partly, errno
		}
		return -1, nil
	}
}

// hangs lets an operation take 30 s and then end with err.
func hangs(err error, ops ...string) fault {
	return func(op, name string) (int, error) {
		if !slices.Contains(ops, op) {
			return -1, nil
		}
		<-time.After(30 * time.Second)
		return -1, err
	}
}

var faults = map[string]fault{
	"disk full":                         fails(syscall.ENOSPC, 0, "write", "create"),
	"disk full in the middle of a line": fails(syscall.ENOSPC, 77, "write"),
	"I/O error on write":                fails(syscall.EIO, 0, "write"),
	"I/O error on fsync":                fails(syscall.EIO, 0, "sync"),
	"I/O error on fsync of directory":   fails(syscall.EIO, 0, "sync", "syncdir"),
	"I/O error on rename":               fails(syscall.EIO, 0, "sync", "rename"),
	"read-only":                         fails(syscall.EROFS, 0, "write", "create", "rename", "remove", "truncate"),
	"fsync takes 30 s":                  hangs(nil, "sync"),
	"fsync takes 30 s and fails":        hangs(syscall.EIO, "sync"),
	"write takes 30 s":                  hangs(nil, "write"),
	"fsync of the directory takes 30 s": hangs(nil, "syncdir", "write"),
}

// within fails the test if f takes longer than most; it gives what f gives.
func within(t *testing.T, most time.Duration, f func() error) error {
	t.Helper()
	start := time.Now()
	err := f()
	if took := time.Since(start); took > most {
		t.Errorf("took %v, want at most %v", took, most)
	}
	return err
}

func wantDurable(t *testing.T, j *Journal, durable bool, last uint64) {
	t.Helper()
	s := j.Status()
	if s.Durable != durable || s.LastSeq != last || durable != (s.Waiting == 0) || durable != (s.Detail == "") {
		t.Errorf("status %+v, want durable %v and last record %d", s, durable, last)
	}
}

func TestADiskThatFailsStopsNobodyAndHealsByItself(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				j := mustOpen(t, simDir, Options{FS: disk.process()})
				mustAppend(t, j, recs(1, 5)...)

				disk.setFault(f)
				if err := within(t, time.Second, func() error { return j.Append(recs(6, 7)...) }); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Append: %v, want ErrNotDurable", err)
				}
				wantDurable(t, j, false, 7)
				<-j.Changed()
				for n := 8; n <= 300; n++ { // alarms go on
					err := within(t, 0, func() error { return j.Append(rec(n)) })
					if !errors.Is(err, ErrNotDurable) {
						t.Errorf("Append: %v, want ErrNotDurable", err)
					}
				}
				wantDurable(t, j, false, 300)
				if err := within(t, 0, func() error { return j.Compact(slices.Values(recs(1, 2))) }); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Compact: %v, want ErrNotDurable", err)
				}
				<-time.After(25 * time.Second)
				wantDurable(t, j, false, 300)

				disk.setFault(nil)
				_ = within(t, retryMost, func() error { <-j.Changed(); return nil })
				wantDurable(t, j, true, 300)
				mustAppend(t, j, rec(301))
				want(t, collect(t, readDirectory(j.fs, simDir, 0)), numbered(1, 301))
				mustClose(t, j)

				o := disk.image().open(t)
				want(t, o.records, numbered(1, 301))
				if o.detected() {
					t.Errorf("after a restart: %+v", o.Status)
				}
			})
		})
	}
}

func TestADeadDiskIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSimDisk()
		j := mustOpen(t, simDir, Options{FS: disk.process()})
		var tries atomic.Int64
		disk.setFault(func(op, name string) (int, error) {
			if op == "create" {
				tries.Add(1)
			}
			return 0, syscall.ENOSPC
		})
		for range 1000 { // 100 s
			_ = j.Append(rec(1))
			<-time.After(100 * time.Millisecond)
		}
		if n := tries.Load(); n < 10 || n > 40 {
			t.Errorf("%d tries in 100 s", n)
		}
		disk.setFault(nil)
		for !j.Status().Durable {
			<-j.Changed()
		}

		first := true // a single failure later on is over soon
		disk.setFault(func(op, name string) (int, error) {
			if !first {
				return -1, nil
			}
			first = false
			return 0, syscall.EIO
		})
		_ = j.Append(rec(1))
		<-j.Changed()
		_ = within(t, retryFirst, func() error { <-j.Changed(); return nil })
		mustClose(t, j)
	})
}

func TestOpenOnADiskThatFails(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				p := disk.process()
				j := mustOpen(t, simDir, Options{FS: p})
				mustAppend(t, j, recs(1, 5)...)
				p.kill()
				j.Close()

				disk.setFault(f)
				p = disk.process()
				j = mustOpen(t, simDir, Options{FS: p})
				want(t, collect(t, j.Replay()), numbered(1, 5))
				if s := j.Status(); s.Durable || s.LastSeq != 5 {
					t.Errorf("%+v", s)
				}
				if err := within(t, 0, func() error { return j.Append(rec(6)) }); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Append: %v, want ErrNotDurable", err)
				}
				<-j.Changed()
				disk.setFault(nil)
				<-j.Changed()
				wantDurable(t, j, true, 6)
				mustClose(t, j)
				want(t, disk.image().open(t).records, numbered(1, 6))
			})
		})
	}
}

func TestCloseDoesNotWaitForADeadDisk(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				j := mustOpen(t, simDir, Options{FS: disk.process()})
				disk.setFault(f)
				_ = j.Append(recs(1, 3)...)
				err := within(t, 3*time.Second, j.Close)
				if !errors.Is(err, ErrNotDurable) || !strings.Contains(err.Error(), "3 records were not written") {
					t.Errorf("Close: %v", err)
				}
				<-j.done // the disk answers at last
			})
		})
	}
}

// A snapshot that takes long is no reason to call the records not durable.
func TestCompactionThatFailsOrHangsHarmsNothing(t *testing.T) {
	slow := func(op, name string) (int, error) {
		if strings.Contains(name, "snapshot") && op == "sync" {
			<-time.After(30 * time.Second)
		}
		return -1, nil
	}
	full := func(op, name string) (int, error) {
		if strings.Contains(name, "snapshot") && op == "write" {
			return 100, syscall.ENOSPC
		}
		return -1, nil
	}
	for name, f := range map[string]fault{"slow": slow, "full": full} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				j := mustOpen(t, simDir, Options{FS: disk.process()})
				mustAppend(t, j, recs(1, 5)...)
				disk.setFault(f)
				err := within(t, time.Second, func() error { return j.Compact(slices.Values(recs(1, 2))) })
				if err == nil || errors.Is(err, ErrNotDurable) != (name == "slow") {
					t.Errorf("Compact: %v", err)
				}
				for n := 6; n <= 9; n++ {
					mustAppend(t, j, rec(n))
				}
				wantDurable(t, j, true, 9)
				size := j.Size()
				expect := numbered(1, 9)
				if name == "slow" {
					if err := j.Compact(slices.Values(recs(1, 2))); !errors.Is(err, errCompacting) {
						t.Errorf("a second Compact: %v", err)
					}
					<-time.After(time.Minute)
					expect = append(state(5, 2), numbered(6, 9)...)
					if j.Size() >= size {
						t.Errorf("size %d, before the compaction was done %d", j.Size(), size)
					}
				}
				want(t, collect(t, j.Replay()), expect)
				disk.setFault(nil)
				mustCompact(t, j, recs(1, 3))
				mustClose(t, j)
				want(t, disk.image().open(t).records, state(9, 3))
				if names := disk.process().names(t); len(names) != 2 {
					t.Errorf("files left: %q", names)
				}
			})
		})
	}
}

func (p *simFS) names(t *testing.T) []string {
	names, err := p.ReadDir(simDir)
	if err != nil {
		t.Fatal(err)
	}
	return names
}
