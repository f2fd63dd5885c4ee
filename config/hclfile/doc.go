// Package hclfile turns files into a configuration: [Read] takes a [Snapshot]
// of every byte that counts, [Load] makes a *config.Config of it, or says what
// is wrong and where. It is the only room that knows HCL.
//
// # The way through
//
//	Read    the tree of files, as bytes, with the rules for names and permissions
//	Load    parse -> locals -> blocks (dynamic ones expanded) -> names ->
//	        references -> attributes, level by level -> rules that span attributes
//
// Each block of the language has one table ([Schema] prints them all): name,
// type, default, bounds, a sentence for the manual, whether a secret may stand
// there, and where the value goes. Decoding, the JSON schema and the manual
// page come from these tables, so they cannot drift apart.
//
// # What a caller may rely on
//
// Load never gives a configuration together with an error. Everything wrong is
// reported in one go, in the order of the files. No diagnostic holds a secret:
// sensitive values are refused where they could be seen, source excerpts mask
// quoted text around them, and every text is searched for their values last.
//
// # What is read when
//
// The files named by file, credential, ca_file and the like are known only once
// the files that name them have been evaluated. So Load reads each of them the
// first time it is named, keeps the bytes in the Snapshot, and from then on
// [Snapshot.Digest] covers them and [Snapshot.Again] reads them too. A reload
// trusts a configuration when the Snapshot it was loaded from has the digest of
// an Again taken after Load: nothing was half written in between, named files
// included.
//
//	next, err := current.Again()             // something may have changed
//	if next.Digest() == current.Digest()     // nothing has
//	for { wait; next, again = again, next.Again() until their digests agree }
//	cfg, diags := hclfile.Load(next)         // may name files not seen before
//	proof, err := next.Again()               // proof.Digest() == next.Digest()?
package hclfile
