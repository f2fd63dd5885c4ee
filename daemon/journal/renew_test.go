package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A keeper is a caller that has all in memory and gives it to the journal when
// that is wanted.
type keeper struct {
	*testing.T
	*Journal
	state string // the directory above the journal's

	mu  sync.Mutex
	all []Record

	// All may be well by the time that the keeper answers, and be lost again before the snapshot is written.
	losesAnytime bool

	stop chan struct{}
	done chan struct{}
}

// isOfALoss reports whether an error says that a file or a directory of the journal is gone.
func isOfALoss(err error) bool {
	var lost *LostError
	return errors.As(err, &lost) || errors.Is(err, fs.ErrNotExist)
}

func newKeeper(t *testing.T, o Options) *keeper {
	t.Helper()
	k := &keeper{T: t, state: filepath.Join(t.TempDir(), "state"), stop: make(chan struct{}), done: make(chan struct{})}
	o.Outer = k.state
	k.Journal = mustOpen(t, k.home(), o)
	go k.answer()
	return k
}

func (k *keeper) home() string { return filepath.Join(k.state, "journal") }

func (k *keeper) answer() {
	defer close(k.done)
	for {
		select {
		case <-k.stop:
			return
		case <-k.Wanted():
		}
		k.mu.Lock()
		err := k.Compact(slices.Values(k.all))
		k.mu.Unlock()
		if err != nil && !errors.Is(err, ErrNotDurable) && !(k.losesAnytime && isOfALoss(err)) {
			k.Error(err)
		}
	}
}

// add appends records from and to; it is no error if they are not durable.
func (k *keeper) add(from, to int) {
	k.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for n := from; n <= to; n++ {
		k.all = append(k.all, rec(n))
		if err := k.Append(rec(n)); err != nil && !errors.Is(err, ErrNotDurable) {
			k.Error(err)
		}
	}
}

// healed waits until all is durable again.
func (k *keeper) healed() {
	k.Helper()
	for deadline := time.Now().Add(20 * time.Second); !k.Status().Durable; {
		if time.Now().After(deadline) {
			k.Fatalf("it does not heal: %+v", k.Status())
		}
		select {
		case <-k.Changed():
		case <-time.After(100 * time.Millisecond): // a value of Changed may be of before
		}
	}
}

func (k *keeper) end() {
	k.Helper()
	close(k.stop)
	<-k.done
	mustClose(k, k.Journal)
}

// there are the records that a start would find, whatever their numbers.
func (k *keeper) there(dir string) (all []Record) {
	k.Helper()
	for _, r := range collect(k, Read(dir)) {
		r.Seq = 0
		all = append(all, r)
	}
	return all
}

// newest is the segment that is written to.
func (k *keeper) newest() string {
	k.Helper()
	names, err := filepath.Glob(filepath.Join(k.home(), "*.segment.jsonl"))
	if err != nil || len(names) == 0 {
		k.Fatal("no segment", err)
	}
	return slices.Max(names)
}

func (k *keeper) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

func (k *keeper) read(name string) []byte {
	k.Helper()
	text, err := os.ReadFile(name)
	k.must(err)
	return text
}

// inPlace writes over a file as rsync --inplace and cp do: the same inode.
func (k *keeper) inPlace(name string, text []byte) {
	k.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	k.must(err)
	_, err = f.Write(text)
	k.must(errors.Join(err, f.Close()))
}

// harms are what people and their tools do to a journal under the daemon, and
// what is said of it.
var harms = map[string]struct {
	says string
	do   func(k *keeper)
}{
	"rm -rf journal":       {"is gone|was deleted", func(k *keeper) { k.must(os.RemoveAll(k.home())) }},
	"rm -rf state":         {"is gone|was deleted", func(k *keeper) { k.must(os.RemoveAll(k.state)) }},
	"rm newest file":       {"is gone|was deleted", func(k *keeper) { k.must(os.Remove(k.newest())) }},
	"mv journal elsewhere": {"is gone", func(k *keeper) { k.must(os.Rename(k.home(), k.home()+".old")) }},
	"mv state elsewhere":   {"is gone", func(k *keeper) { k.must(os.Rename(k.state, k.state+".old")) }},
	"rotation by rename":   {"is gone", func(k *keeper) { k.must(os.Rename(k.newest(), k.newest()+".1")) }},
	"rotation, copytruncate": {"was cut from", func(k *keeper) {
		k.must(os.WriteFile(k.newest()+".1", k.read(k.newest()), 0o600))
		k.must(os.Truncate(k.newest(), 0))
	}},
	"truncated by a line": {"was cut from", func(k *keeper) {
		text := k.read(k.newest())
		k.must(os.Truncate(k.newest(), int64(strings.LastIndex(string(text[:len(text)-1]), "\n")+1)))
	}},
	"rotation with create": {"was replaced by another file", func(k *keeper) {
		name := k.newest()
		k.must(os.Rename(name, name+".1"))
		k.must(os.WriteFile(name, nil, 0o600))
	}},
	"an editor's save": {"was replaced by another file|was deleted", func(k *keeper) {
		name := k.newest()
		k.must(os.WriteFile(name+"~", k.read(name), 0o600))
		k.must(os.Rename(name+"~", name))
	}},
	"sed -i": {"was replaced by another file|was deleted", func(k *keeper) {
		name := k.newest()
		k.must(os.WriteFile(filepath.Join(k.home(), "sedAbCdE"), []byte(strings.ReplaceAll(string(k.read(name)), `"n":3`, `"n":7`)), 0o600))
		k.must(os.Rename(filepath.Join(k.home(), "sedAbCdE"), name))
	}},
	"rsync --inplace of another content": {"was changed by another program", func(k *keeper) {
		name := k.newest()
		info, err := os.Stat(name)
		k.must(err)
		k.inPlace(name, []byte(strings.ReplaceAll(string(k.read(name)), `"n":3`, `"n":7`)))
		k.must(os.Chtimes(name, info.ModTime().Add(time.Second), info.ModTime().Add(time.Second)))
	}},
	"an older file is copied over it": {"was cut from", func(k *keeper) {
		text := k.read(k.newest())
		k.inPlace(k.newest(), text[:len(text)/2])
	}},
	"somebody appends": {"that another program wrote", func(k *keeper) {
		f, err := os.OpenFile(k.newest(), os.O_WRONLY|os.O_APPEND, 0)
		k.must(err)
		_, err = f.WriteString("2026-05-01 cleaned up\n")
		k.must(errors.Join(err, f.Close()))
	}},
	"a backup takes the directory's place": {"was replaced by another directory", func(k *keeper) {
		k.must(os.CopyFS(k.home()+".new", os.DirFS(k.home())))
		k.must(os.Rename(k.home(), k.home()+".old"))
		k.must(os.Rename(k.home()+".new", k.home()))
	}},
	"an empty directory takes its place": {"was replaced by another directory", func(k *keeper) {
		k.must(os.Rename(k.home(), k.home()+".old"))
		k.must(os.Mkdir(k.home(), 0o755))
	}},
	"the journal of another machine takes its place": {"was replaced by another directory", func(k *keeper) {
		k.must(os.Rename(k.home(), k.home()+".old"))
		j := mustOpen(k, k.home(), Options{})
		mustAppend(k, j, recs(100, 200)...)
		mustCompact(k, j, recs(500, 510))
		mustAppend(k, j, recs(201, 300)...)
		mustClose(k, j)
	}},
	"a symbolic link to another directory": {"was replaced by another directory|was deleted", func(k *keeper) {
		k.must(os.RemoveAll(k.home()))
		k.must(os.Mkdir(k.home()+".elsewhere", 0o700))
		k.must(os.Symlink(k.home()+".elsewhere", k.home()))
	}},
	"the state directory is made anew": {"was replaced by another directory|was deleted", func(k *keeper) {
		k.must(os.RemoveAll(k.state))
		k.must(os.MkdirAll(k.home(), 0o700))
	}},
	"a later file of another journal is copied there": {"was put there by another program", func(k *keeper) {
		k.must(os.WriteFile(filepath.Join(k.home(), segmentName(9000)), k.read(k.newest()), 0o600))
	}},
	"an empty snapshot of the future": {"was put there by another program", func(k *keeper) {
		k.must(os.WriteFile(filepath.Join(k.home(), snapshotName(9000)), nil, 0o600))
	}},
	"a named pipe takes a file's place": {"was replaced by another file|was deleted", func(k *keeper) {
		name := k.newest()
		k.must(os.Remove(name))
		k.must(syscall.Mkfifo(name, 0o600))
	}},
	"a file takes the directory's place": {"is not a directory any more|was deleted", func(k *keeper) {
		k.must(os.RemoveAll(k.home()))
		k.must(os.WriteFile(k.home(), []byte("a note\n"), 0o600))
	}},
	"a link to a file takes the directory's place": {"is not a directory any more", func(k *keeper) {
		k.must(os.WriteFile(k.home()+".txt", []byte("a note\n"), 0o600))
		k.must(os.Rename(k.home(), k.home()+".old"))
		k.must(os.Symlink(k.home()+".txt", k.home()))
	}},
	"a directory takes a file's place": {"was replaced by another file|was deleted", func(k *keeper) {
		name := k.newest()
		k.must(os.Remove(name))
		k.must(os.MkdirAll(filepath.Join(name, "x"), 0o700))
	}},
	"an older snapshot alone is deleted": {"is gone", func(k *keeper) {
		k.mu.Lock()
		defer k.mu.Unlock()
		mustCompact(k, k.Journal, k.all)
		k.must(os.Remove(filepath.Join(k.home(), snapshotName(uint64(len(k.all))))))
	}},
	"chmod 000 journal": {"its mode is 0000", func(k *keeper) { k.must(os.Chmod(k.home(), 0)) }},
	"chmod 000 file":    {"its mode is 0000", func(k *keeper) { k.must(os.Chmod(k.newest(), 0)) }},
}

// Whatever is done to its files, the journal notices, is not durable, asks for
// the state, and writes it where the next start looks for it. No second daemon
// can begin there meanwhile or afterwards.
func TestWhatIsDoneToTheFilesHeals(t *testing.T) {
	for name, harm := range harms {
		for _, first := range []string{"looked at first", "appended to first"} {
			t.Run(name+", "+first, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					k := newKeeper(t, Options{})
					k.add(1, 5)
					k.healed()
					harm.do(k)
					if first == "looked at first" {
						k.Verify()
					} else {
						k.add(6, 6)
						k.Verify()
					}
					n := len(k.all)
					if s := k.Status(); s.Losses != 1 || !strings.HasPrefix(s.LastLoss, k.state) || !slices.ContainsFunc(strings.Split(harm.says, "|"), func(says string) bool { return strings.Contains(s.LastLoss, says) }) {
						t.Errorf("status %+v, want a loss that says %q", s, harm.says)
					}
					k.healed()
					want(t, k.there(k.home()), recs(1, n))
					k.add(n+1, n+3)
					k.healed()
					want(t, k.there(k.home()), recs(1, n+3))
					k.Verify() // and finds nothing more
					if s := k.Status(); !s.Durable || s.Losses != 1 || s.Detail != "" {
						t.Errorf("status %+v", s)
					}
					if _, err := Open(k.home(), Options{}); !errors.Is(err, ErrInUse) {
						t.Errorf("a second daemon: %v", err)
					}
					k.end()
					j := mustOpen(t, k.home(), Options{Outer: k.state})
					if s := j.Status(); s.Damaged || !s.Clean || s.TornBytes > 0 {
						t.Errorf("after a restart: %+v", s)
					}
					mustClose(t, j)
					want(t, k.there(k.home()), recs(1, n+3))
				})
			})
		}
	}
}

// What changes nothing is no loss: the journal is where it was, or says the same.
func TestWhatDoesNoHarm(t *testing.T) {
	for name, do := range map[string]func(k *keeper){
		"touch": func(k *keeper) { k.must(os.Chtimes(k.newest(), noon, noon)) },
		"touch of files from before the start": func(k *keeper) {
			k.add(6, 6)
			mustClose(k, k.Journal)
			close(k.stop)
			<-k.done
			k.Journal, k.stop, k.done = mustOpen(k, k.home(), Options{Outer: k.state, smallBytes: 100}), make(chan struct{}), make(chan struct{})
			go k.answer()
			k.must(os.Chtimes(filepath.Join(k.home(), segmentName(1)), noon, noon))
		},
		"a hard link":      func(k *keeper) { k.must(os.Link(k.newest(), filepath.Join(k.state, "backup"))) },
		"chmod g+r":        func(k *keeper) { k.must(os.Chmod(k.newest(), 0o640)) },
		"other files":      func(k *keeper) { k.must(os.WriteFile(filepath.Join(k.home(), "README"), nil, 0o600)) },
		"chmod 755 folder": func(k *keeper) { k.must(os.Chmod(k.home(), 0o755)) },
		"moved, with a symbolic link left behind": func(k *keeper) {
			k.must(os.Rename(k.home(), k.home()+".big-disk"))
			k.must(os.Symlink(k.home()+".big-disk", k.home()))
		},
		"renamed and back": func(k *keeper) {
			k.must(os.Rename(k.home(), k.home()+".old"))
			k.must(os.Rename(k.home()+".old", k.home()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKeeper(t, Options{})
				k.add(1, 5)
				k.healed()
				do(k)
				k.Verify()
				n := len(k.all)
				k.add(n+1, n+2)
				k.healed()
				k.Verify()
				if s := k.Status(); s.Losses != 0 || !s.Durable {
					t.Errorf("status %+v", s)
				}
				want(t, k.there(k.home()), recs(1, n+2))
				k.end()
			})
		})
	}
}

// Whoever follows the journal gets every record once, however often its files are
// taken away and written anew.
func TestAFollowerOutlivesALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, Options{})
		k.add(1, 5)
		k.healed()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 0
		for r, err := range Follow(ctx, k.home(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if !r.At.Equal(rec(n).At) {
				t.Fatalf("record %d is %v", n, r)
			}
			switch {
			case n == 20:
				cancel()
			case n%5 == 0:
				k.must(os.RemoveAll(k.home()))
				k.Verify()
				k.healed()
				k.add(n+1, n+5)
				k.healed()
			}
		}
		if n != 20 {
			t.Errorf("%d records", n)
		}
		k.end()
	})
}

// It looks by itself every few seconds.
func TestTheFilesAreLookedAtUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newSimDisk()
		j := mustOpen(t, simDir, Options{FS: disk.process()})
		mustAppend(t, j, recs(1, 5)...)
		time.Sleep(time.Hour)
		if s := j.Status(); s.Losses != 0 {
			t.Errorf("%+v", s)
		}
		disk.mu.Lock()
		delete(disk.cache, segmentName(1))
		disk.mu.Unlock()
		_ = within(t, lookEvery, func() error { <-j.Changed(); return nil })
		if s := j.Status(); s.Durable || !strings.Contains(s.Detail, segmentName(1)+" is gone") {
			t.Errorf("%+v", s)
		}
		<-j.Wanted()
		<-j.Wanted() // it is asked for again when no answer comes
		if err := j.Append(rec(6)); !errors.Is(err, ErrNotDurable) {
			t.Errorf("Append: %v", err)
		}
		mustCompact(t, j, recs(1, 6))
		if err := j.Append(recs(7, 8)...); err != nil {
			t.Error(err)
		}
		mustClose(t, j)
		want(t, disk.image().open(t).records, append(state(6, 6), numbered(7, 8)...))
	})
}

// A disk that cannot be looked at for a moment has lost nothing; one that cannot
// be for long may have. The lock that is held is no other daemon's.
func TestADiskThatCannotBeLookedAt(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		looks  int
		losses int
	}{
		"for a moment": {syscall.EIO, 2, 0}, "for long": {syscall.EIO, 10, 1}, "short of memory": {syscall.ENOMEM, 2, 0},
		"stale": {syscall.ESTALE, 1, 1}, "not allowed": {syscall.EACCES, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				p := disk.process()
				j := mustOpen(t, simDir, Options{FS: p})
				mustAppend(t, j, recs(1, 5)...)
				see := func(err error) {
					disk.mu.Lock()
					defer disk.mu.Unlock()
					disk.blind = err
				}
				see(tt.err)
				for range tt.looks {
					j.Verify()
				}
				_ = j.Append(rec(6)) // its file is open, and takes it
				if j.Status().Losses > 0 {
					_ = j.Compact(slices.Values(recs(1, 6)))
				}
				time.Sleep(time.Millisecond)
				see(nil)
				for !j.Status().Durable {
					<-j.Changed()
				}
				if s := j.Status(); s.Losses != tt.losses || s.LastSeq != 6 {
					t.Errorf("%+v", s)
				}
				select {
				case <-j.Usurped():
					t.Error("it takes itself for another")
				default:
				}
				mustClose(t, j)
			})
		})
	}
}

// The disk may fail while everything is written anew: then it is tried again, with
// what the caller gave.
func TestRenewalOnADiskThatFails(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				j := mustOpen(t, simDir, Options{FS: disk.process()})
				mustAppend(t, j, recs(1, 5)...)
				disk.mu.Lock()
				delete(disk.cache, segmentName(1))
				disk.mu.Unlock()
				<-j.Wanted()
				disk.setFault(f)
				if err := within(t, time.Second, func() error { return j.Compact(slices.Values(recs(1, 5))) }); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Compact: %v", err)
				}
				for n := 6; n <= 9; n++ {
					if err := within(t, 0, func() error { return j.Append(rec(n)) }); !errors.Is(err, ErrNotDurable) {
						t.Errorf("Append: %v", err)
					}
				}
				time.Sleep(time.Minute)
				disk.setFault(nil)
				for !j.Status().Durable {
					<-j.Changed()
				}
				wantDurable(t, j, true, 9)
				mustClose(t, j)
				want(t, disk.image().open(t).records, append(state(5, 5), numbered(6, 9)...))
			})
		})
	}
}

// The records that were durable are missed also where a later write has failed.
func TestFilesThatVanishFromADiskThatFailsAreMissed(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newSimDisk()
				j := mustOpen(t, simDir, Options{FS: disk.process()})
				mustAppend(t, j, recs(1, 5)...)
				disk.setFault(f)
				if err := within(t, time.Second, func() error { return j.Append(rec(6)) }); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Append: %v", err)
				}
				time.Sleep(time.Minute)
				disk.mu.Lock()
				delete(disk.cache, segmentName(1))
				disk.mu.Unlock()
				disk.setFault(nil)
				<-j.Wanted()
				if err := within(t, time.Second, func() error { return j.Compact(slices.Values(recs(1, 6))) }); err != nil {
					t.Errorf("Compact: %v", err)
				}
				wantDurable(t, j, true, 6)
				mustClose(t, j)
				want(t, disk.image().open(t).records, state(6, 6))
			})
		})
	}
}

// Two daemons never go on side by side: if the whole state directory was replaced
// and another one began there, the first one hears that it has to end. One that
// was only there for a moment is no reason.
func TestADirectoryThatWasTakenMeanwhile(t *testing.T) {
	for name, stays := range map[string]bool{"for good": true, "for a moment": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKeeper(t, Options{})
				k.add(1, 5)
				k.healed()
				k.must(os.RemoveAll(k.state))
				other := mustOpen(t, k.home(), Options{Outer: k.state})
				mustAppend(t, other, rec(1))
				k.Verify()
				k.add(6, 6)
				if s := k.Status(); s.Durable || s.Losses != 1 {
					t.Errorf("%+v", s)
				}
				if !stays {
					mustClose(t, other)
					k.healed()
					want(t, k.there(k.home()), recs(1, 6))
					k.end()
					return
				}
				<-k.Usurped()
				if s := k.Status(); !strings.Contains(s.Detail, ErrInUse.Error()) {
					t.Errorf("%+v", s)
				}
				close(k.stop)
				<-k.done
				if err := k.Close(); !errors.Is(err, ErrNotDurable) {
					t.Errorf("Close: %v", err)
				}
				want(t, collect(t, Read(k.home())), numbered(1, 1)) // nothing of ours got in
				mustClose(t, other)
			})
		})
	}
}

// What lies there when the daemon starts may be anything; a start neither hangs
// nor fails.
func TestAStartWithOddFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := mustOpen(t, dir, Options{})
		mustAppend(t, j, recs(1, 5)...)
		mustClose(t, j)
		if err := errors.Join(
			syscall.Mkfifo(filepath.Join(dir, segmentName(6)), 0o600), os.Mkdir(filepath.Join(dir, segmentName(7)), 0o700),
		); err != nil {
			t.Fatal(err)
		}
		j = mustOpen(t, dir, Options{})
		if s := j.Status(); !s.Damaged || len(s.Quarantined) != 2 {
			t.Errorf("%+v", s)
		}
		if got := collect(t, j.Replay()); len(got) < 5 {
			t.Errorf("%d records", len(got))
		}
		mustAppend(t, j, rec(6))
		mustClose(t, j)
	})
}

// A file where the directory belongs is renamed and reported; a link that leads
// nowhere stays, since the disk behind it may not be mounted yet, and so does a
// file in the place of the state directory.
func TestAStartWithoutADirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := t.TempDir()
		dir := filepath.Join(state, "journal")
		if err := os.WriteFile(dir, []byte("a note\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		j := mustOpen(t, dir, Options{Outer: state})
		s := j.Status()
		if !s.Damaged || len(s.Quarantined) != 1 || !strings.Contains(s.Detail, dir+" was no directory") {
			t.Errorf("%+v", s)
		}
		mustAppend(t, j, rec(1))
		mustClose(t, j)
		if text, err := os.ReadFile(s.Quarantined[0]); err != nil || string(text) != "a note\n" {
			t.Errorf("%q, %v", text, err)
		}
		link := filepath.Join(t.TempDir(), "journal")
		if err := os.Symlink("/nowhere/to/be/found", link); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(link, Options{Outer: filepath.Dir(link)}); err == nil || !strings.Contains(err.Error(), "leads nowhere") {
			t.Errorf("a link that leads nowhere: %v", err)
		}
		file := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Join(file, "journal"), Options{Outer: file}); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), file+" is no directory; move it away, or name another directory") {
			t.Errorf("a file in the place of the state directory: %v", err)
		}
	})
}

// The files that were found in place of the journal's own are kept, a few of them.
func TestForeignFilesAreSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, Options{})
		for n := 1; n <= 12; n++ {
			k.add(n, n)
			k.healed()
			k.inPlace(k.newest(), []byte("not yours\n"))
			k.Verify()
			k.healed()
		}
		names, err := filepath.Glob(filepath.Join(k.home(), "*"+foreignSuffix))
		if err != nil || len(names) != keepForeign || string(k.read(names[0])) != "not yours\n" {
			t.Errorf("%q, %v", names, err)
		}
		want(t, k.there(k.home()), recs(1, 12))
		k.end()
	})
}

// A caller that takes its time is asked again. Once the files are written, it is asked for nothing.
func TestAStateIsWrittenOnceHoweverOftenItWasAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "journal")
		j := mustOpen(t, dir, Options{})
		mustAppend(t, j, rec(1))
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		j.Verify()
		<-j.Wanted()
		j.Verify()
		if err := j.Compact(slices.Values(recs(1, 1))); err != nil {
			t.Fatal(err)
		}
		select {
		case <-j.Wanted():
			t.Error("the state is wanted again")
		default:
		}
		mustClose(t, j)
	})
}

// A compaction while the files are lost, and a loss while it compacts, end in one
// of the two.
func TestLossesDuringCompactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(t, Options{SegmentBytes: 400})
		k.mu.Lock()
		k.losesAnytime = true
		k.mu.Unlock()
		for n := 1; n <= 60; n++ {
			k.add(n, n)
			k.mu.Lock()
			_ = k.Compact(slices.Values(k.all)) // one that is under way, or a disk that was lost
			k.mu.Unlock()
			if n%3 == 0 {
				err := os.Rename(k.home(), fmt.Sprint(k.home(), n)) // RemoveAll may find files that are made meanwhile
				if err != nil && !errors.Is(err, fs.ErrNotExist) {  // the loss before is not mended yet
					t.Fatal(err)
				}
			}
		}
		k.Verify()
		k.healed()
		want(t, k.there(k.home()), recs(1, 60))
		k.end()
	})
}
