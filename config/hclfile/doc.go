// Package hclfile turns files into a configuration: [Load] makes a *config.Config of
// a [source.Snapshot], or says what is wrong and where. With diagnose it is
// the only room that knows HCL.
//
// # The way through
//
//	source.Read  the tree of files, as bytes, with the rules for names and permissions
//	Load         parse -> locals -> blocks (dynamic ones expanded) -> names ->
//	             references -> attributes, level by level -> rules that span attributes
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
// Load reads the files that the configuration names through the Snapshot, which
// remembers them: see [source.Snapshot.Open].
package hclfile
