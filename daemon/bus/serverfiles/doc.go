// Package serverfiles makes what the NATS servers of a cluster read: for each a configuration,
// and certificates from an authority of their own.
//
// It owns the text of these files. It reads and writes none: whoever calls it says what there is
// already, what time it is, and keeps what it gets. It knows no incidents and connects to nothing.
//
// A caller may rely on this: the same cluster always gives the same configuration. A server lets in
// the nodes of the files by their keys, each with the permissions of [bus.Permissions], and nobody
// else; it speaks TLS unless it can only be reached from its own machine; other servers are let in
// by a certificate of the same authority.
package serverfiles
