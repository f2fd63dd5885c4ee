// Package source reads a configuration: [Read] takes a [Snapshot] of every byte
// that counts. It owns the rules for which files those are: how they are called,
// how deep they lie, what is passed over, who may write them, how large they are,
// how they are encoded. It knows no HCL; config/hclfile makes sense of the bytes.
//
// # What is read when
//
// The files named by file, credential, ca_file and the like are known only once
// the files that name them have been evaluated. So whoever evaluates them calls
// [Snapshot.Open], which reads each file the first time it is named and keeps the
// bytes; from then on [Snapshot.Digest] covers them and [Snapshot.Again] reads
// them too. A reload trusts a configuration when the Snapshot it was loaded from
// has the digest of an Again taken after that: nothing was half written in
// between, named files included.
//
//	next, err := current.Again()             // something may have changed
//	if next.Digest() == current.Digest()     // nothing has
//	for { wait; next, again = again, next.Again() until their digests agree }
//	cfg, diags := hclfile.Load(next)         // may name files not seen before
//	proof, err := next.Again()               // proof.Digest() == next.Digest()?
package source
