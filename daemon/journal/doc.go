// Package journal keeps records on disk so that none that was acknowledged is
// ever lost and none is ever invented.
//
// It owns one directory: it alone names, writes, cuts, quarantines and removes
// the files there. It knows records, not incidents: what a Kind means and what
// Data says is the caller's business.
//
// # What a caller may rely on
//
//   - When Append returns nil, its records survive kill -9, a panic of the
//     kernel and a loss of power, in the order in which they were appended.
//   - After a crash Replay gives a prefix of what was appended that contains
//     everything acknowledged. A record that was never acknowledged may be in
//     it, too; it is durable from then on.
//   - Append returns within a second, whatever the disk does. ErrNotDurable
//     means that the records wait in memory; they are written, in order, as soon
//     as the disk takes them.
//   - What is durable is at its path. Every two seconds, and at every write, the
//     directory, its lock and the files are compared with what this process has
//     made of them. If one is gone, replaced, cut or changed, the journal is not
//     durable: it asks for the caller's state (see Wanted), takes the lock of the
//     directory that is at the path now, and writes a new snapshot there.
//   - A record that is too large is refused alone; those beside it are taken.
//   - Every flipped byte and every missing, doubled or reordered line is
//     noticed. What can be verified is still replayed, what cannot is kept in a
//     file beside it, Status says so, and Open succeeds all the same.
//
// It never edits a record, never guesses what a damaged one said, never retries
// an fsync on a descriptor whose fsync has failed (the kernel may have dropped
// the pages and call them clean: https://wiki.postgresql.org/wiki/Fsync_Errors),
// and never deletes damaged files.
//
// # Files
//
// A directory holds at most one snapshot that counts and the segments after it;
// the number is a sequence number, so that `cat *.jsonl` gives the right order:
//
//	00000000000000005000.snapshot.jsonl          the state after record 5000
//	00000000000000005001.segment.jsonl           records 5001 and following
//	00000000000000005120.segment.jsonl           the newest one is appended to
//	00000000000000004000.segment.jsonl.damaged   quarantined, see Status
//	00000000000000005120.segment.jsonl.torn      what a crash left behind a tail
//	00000000000000006000.snapshot.jsonl.tmp      not finished, of no account
//	00000000000000005120.segment.jsonl.1767225600000000000.foreign
//	                                             found where a file of its own belongs, of no account
//
// A file that lies where the directory itself belongs is renamed likewise.
//
// One JSON object a line. The last field of each is the CRC-32C (Castagnoli) of
// all bytes of the line that come before its comma:
//
//	{"journal":"segment","version":1,"first":5001,"through":5003,"at":"...","crc":"a1b2c3d4"}
//	{"seq":5001,"batch":5001,"at":"2026-05-01T10:00:00.25Z","kind":"opened","data":{...},"crc":"..."}
//	{"closed":5120,"at":"...","crc":"..."}
//
// A file gets its name only when its first lines are durable (write, fsync,
// rename, fsync of the directory); "through" says which records these are.
// "batch" is the first record of the group commit a line belongs to. Whoever
// reads a line therefore knows that everything before its batch was durable
// once: if that is missing the journal is damaged, whereas bad bytes at the end
// that nothing proves to have been durable are a torn tail, which any crash
// leaves. "closed" is the last line of a journal that was closed, which is how a
// tail cut off between two lines is noticed.
//
// A segment ends where the next one begins. After a failed fsync the rest of a
// segment is in doubt, so its records are written again, from memory, into a
// new segment whose "first" repeats their numbers, and the doubtful rest counts
// no more. Open does the same with the last batch of a journal that was not
// closed: what it read may have come from a page cache that no disk has seen.
//
// "journal" and "version" stay the first fields of a file in every version to
// come, so that an older imapvigil knows what it must leave alone.
//
// A snapshot line has "part", counted from 1, in place of "batch"; its sequence
// number is that of the last record the snapshot stands for.
package journal
