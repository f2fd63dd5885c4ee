// Package opaque owns the two kinds of text that must not be printed as they
// are: a Secret, which cannot print itself at all, and Words, what a server
// said, which have been made harmless once, at the edge. A Scrubber takes the
// secrets that somebody knows out of such words.
//
// A caller may rely on this: no verb of fmt, no JSON or text encoder and no
// logger shows the inside of a Secret, and whatever prints Words prints only
// printable characters, at most [MaxWords] bytes of them.
package opaque
