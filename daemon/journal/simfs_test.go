package journal

import (
	"bytes"
	"hash/maphash"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// block is what a disk writes whole or not at all.
const block = 512

// simDisk is a directory on a disk that forgets what was not synced. What has
// been written is seen by readers at once, as through a page cache; what
// survives a loss of power is another matter: crashes enumerates it.
type simDisk struct {
	mu      sync.Mutex
	cache   map[string]*inode // the directory as processes see it
	durable map[string]*inode // the directory as it was when last synced
	pending []dirOp           // what was done to it since
	entered bool              // the directory's own name is durable
	locked  bool
	inodes  uint64 // made so far
	blind   error  // of every look

	after func() // called after every change, with mu held
	fault fault  // asked before it
}

// fault decides what becomes of an operation: nil lets it happen. When it fails a
// write, n bytes are written all the same.
type fault func(op, name string) (n int, err error)

type inode struct {
	number  uint64
	written int64
	data    []byte  // as processes see it
	safe    []byte  // what is on the disk for certain
	dirty   []write // what may be, in part
}

// write is an unsynced change: data at an offset, or a new size.
type write struct {
	at   int
	data []byte
	size int // of a truncation; -1 otherwise
}

// dirOp is an unsynced change of the directory: to becomes node, from goes.
type dirOp struct {
	to, from string
	node     *inode
}

func (op dirOp) apply(dir map[string]*inode) {
	if op.from != "" {
		delete(dir, op.from)
	}
	if op.to != "" {
		dir[op.to] = op.node
	}
}

func newSimDisk() *simDisk {
	return &simDisk{cache: map[string]*inode{}, durable: map[string]*inode{}}
}

// simFS is the disk as one process sees it until it is killed.
type simFS struct {
	*simDisk
	killed bool
}

func (d *simDisk) process() *simFS { return &simFS{simDisk: d} }

// kill is kill -9: what was written stays in the page cache.
func (p *simFS) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed, p.locked = true, false
}

// change runs one operation. A fault may let n bytes of a write through, and may
// take its time.
func (p *simFS) change(op, name string, do func(n int)) error {
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	n := -1
	var err error
	if fault != nil {
		n, err = fault(op, name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.killed:
		return syscall.EIO
	case err == nil:
		do(n)
	case n > 0:
		do(n)
		return err
	default:
		return err
	}
	if p.after != nil {
		p.after()
	}
	return nil
}

func (p *simFS) MkdirAll(string) error { return nil }

func (p *simFS) Lock(string) (Lock, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.locked {
		return nil, ErrInUse
	}
	p.locked = true
	return simLock{p}, nil
}

type simLock struct{ p *simFS }

func (l simLock) Stat() (Identity, error) { return l.p.Stat(simDir) }

func (p *simFS) Stat(name string) (Identity, error) {
	p.mu.Lock()
	blind := p.blind
	p.mu.Unlock()
	if blind != nil {
		return Identity{}, blind
	}
	if name == simDir {
		return Identity{Links: 1, Mode: fs.ModeDir | 0o700}, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.cache[filepath.Base(name)]
	if node == nil {
		return Identity{}, fs.ErrNotExist
	}
	return p.identity(node), nil
}

// identity is called with mu held.
func (p *simFS) identity(node *inode) Identity {
	if node.number == 0 {
		p.inodes++
		node.number = p.inodes
	}
	i := Identity{Inode: node.number, Size: int64(len(node.data)), Modified: time.Unix(0, node.written), Mode: 0o600}
	for _, named := range p.cache {
		if named == node {
			i.Links = 1
		}
	}
	return i
}

func (f *simFile) Stat() (Identity, error) {
	f.p.mu.Lock()
	defer f.p.mu.Unlock()
	return f.p.identity(f.node), nil
}

func (l simLock) Close() error {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if !l.p.killed {
		l.p.locked = false
	}
	return nil
}

func (p *simFS) ReadDir(string) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.cache)), nil
}

func (p *simFS) Open(name string) (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	node := p.cache[filepath.Base(name)]
	if node == nil {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(node.data)), nil
}

func (p *simFS) Create(name string) (File, error) {
	name = filepath.Base(name)
	if p.named(name) != nil {
		return nil, fs.ErrExist
	}
	node := &inode{}
	err := p.change("create", name, func(int) { p.dirOp(dirOp{to: name, node: node}) })
	return &simFile{p, name, node}, err
}

func (p *simFS) Rename(from, to string) error {
	from, to = filepath.Base(from), filepath.Base(to)
	return p.change("rename", to, func(int) { p.dirOp(dirOp{to: to, from: from, node: p.cache[from]}) })
}

func (p *simFS) Remove(name string) error {
	name = filepath.Base(name)
	if p.named(name) == nil {
		return fs.ErrNotExist
	}
	return p.change("remove", name, func(int) { p.dirOp(dirOp{from: name}) })
}

func (p *simFS) named(name string) *inode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cache[name]
}

func (p *simFS) dirOp(op dirOp) {
	op.apply(p.cache)
	p.pending = append(p.pending, op)
}

func (p *simFS) Truncate(name string, size int64) error {
	node := p.named(filepath.Base(name))
	if node == nil {
		return fs.ErrNotExist
	}
	return p.change("truncate", filepath.Base(name), func(int) { node.write(write{size: int(size)}) })
}

func (p *simFS) SyncDir(dir string) error {
	return p.change("syncdir", dir, func(int) {
		if dir == filepath.Dir(simDir) {
			p.entered = true
			return
		}
		p.durable, p.pending = maps.Clone(p.cache), nil
	})
}

// simDir is where a simulated journal is.
const simDir = "/state/journal"

type simFile struct {
	p    *simFS
	name string
	node *inode
}

func (f *simFile) Write(b []byte) (int, error) {
	n := len(b)
	err := f.p.change("write", f.name, func(most int) {
		if most >= 0 {
			n = min(n, most)
		}
		f.node.write(write{at: len(f.node.data), data: bytes.Clone(b[:n]), size: -1})
	})
	return n, err
}

// Sync makes everything written durable. When it fails the cache keeps what was
// written and calls it clean: no later Sync writes it (the hazard of
// https://wiki.postgresql.org/wiki/Fsync_Errors).
func (f *simFile) Sync() error {
	err := f.p.change("sync", f.name, func(int) { f.node.safe, f.node.dirty = f.node.data, nil })
	if err != nil {
		f.p.mu.Lock()
		defer f.p.mu.Unlock()
		f.node.dirty = nil
	}
	return err
}

func (f *simFile) Close() error { return nil }

func (n *inode) write(w write) {
	n.written++
	n.data = w.apply(n.data, nil)
	n.dirty = append(n.dirty, w)
}

// apply gives data after the write, of which only the blocks that keep says are
// written; nil is all. Data is not changed.
func (w write) apply(data []byte, keep func(block int) bool) []byte {
	if w.size >= 0 {
		return data[:min(w.size, len(data)):min(w.size, len(data))]
	}
	for at := w.at; at < w.at+len(w.data); {
		end := min((at/block+1)*block, w.at+len(w.data))
		if keep == nil || keep(at/block) {
			if len(data) < end {
				data = append(bytes.Clone(data), make([]byte, end-len(data))...)
			} else {
				data = bytes.Clone(data)
			}
			copy(data[at:end], w.data[at-w.at:end-w.at])
		}
		at = end
	}
	return data
}

// image is what a disk may hold after a crash.
type image map[string][]byte

func (m image) hash(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		h.WriteString(name)
		h.Write(m[name])
		h.WriteByte(0)
	}
	return h.Sum64()
}

// disk is a disk that holds m and nothing unsynced.
func (m image) disk() *simDisk {
	d := newSimDisk()
	d.entered = true
	for name, data := range m {
		node := &inode{data: data, safe: data}
		d.cache[name], d.durable[name] = node, node
	}
	return d
}

// crashes gives what the disk may hold if the power fails now: with each subset
// of the unsynced changes of the directory (or random ones, if they are many), the
// unsynced blocks of the files lost, written, written up to each one, and written
// at random, where what was not written before a block that was is zeros or
// whatever the disk held there.
func (d *simDisk) crashes(r *rand.Rand, random int) (all []image) {
	if !d.entered {
		all = append(all, image{})
	}
	for _, dir := range d.crashedDirs(r, random) {
		all = append(all, contents(dir, func(n *inode) []byte { return n.safe }))
		all = append(all, contents(dir, func(n *inode) []byte { return n.data }))
		for last := range blocks(dir) {
			all = append(all, contents(dir, func(n *inode) []byte {
				return n.crashed(func(b int) bool { return b <= last }, nil)
			}))
		}
		for range random {
			all = append(all, contents(dir, func(n *inode) []byte {
				var junk *rand.Rand
				if r.IntN(4) == 0 {
					junk = r
				}
				odds := r.Float64()
				return n.crashed(func(int) bool { return r.Float64() < odds }, junk)
			}))
		}
	}
	return all
}

func (d *simDisk) crashedDirs(r *rand.Rand, random int) (dirs []map[string]*inode) {
	n := len(d.pending)
	subsets := 1 << min(n, 3)
	for subset := range subsets {
		dir := maps.Clone(d.durable)
		for i, op := range d.pending {
			if n <= 3 && subset>>i&1 == 1 || n > 3 && (subset == 0 || r.IntN(2) == 0) {
				op.apply(dir)
			}
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// blocks is the number of blocks in the longest file with unsynced ones.
func blocks(dir map[string]*inode) (n int) {
	for _, node := range dir {
		if len(node.dirty) > 0 {
			n = max(n, (len(node.data)+block-1)/block)
		}
	}
	return n
}

func contents(dir map[string]*inode, of func(*inode) []byte) image {
	m := image{}
	for name, node := range dir {
		m[name] = of(node)
	}
	return m
}

func (n *inode) crashed(keep func(block int) bool, junk *rand.Rand) []byte {
	data := n.safe
	for _, w := range n.dirty {
		if w.size < 0 || keep(0) {
			data = w.apply(data, keep)
		}
	}
	for at := len(n.safe); junk != nil && at < len(data); at++ {
		if data[at] == 0 {
			data[at] = byte(junk.Uint32())
		}
	}
	return data
}

// setFault has every change of the disk ask fault first.
func (d *simDisk) setFault(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}
