// Package stream keeps this node's copy of the journal that the nodes of a cluster share, and is the
// journal of the node that decides.
//
// The shared journal is one stream on the bus. Who appends to it decides: an append names the message
// after which it belongs, and is refused when another node has appended meanwhile. So there is
// no second truth about who decides, and a node that was cut off or suspended cannot go on.
//
// # What a caller may rely on
//
//   - When Append returns nil, most servers of the bus have the records on their disks. After an error
//     the stream has the first of them, up to some record, and nothing of what comes after.
//   - Append that was refused once is refused for ever, until Begin.
//   - Replay and OnRecords together give each record of the stream once and in order.
//   - Each message names the one before by its hash. A stream that has lost or changed what a copy
//     holds is noticed (Lost), and nobody decides on it until one node has appended its state anew (Rebase).
//   - The copy is only a copy: when its disk is full, or its files are damaged or gone, this node says
//     so (Behind), goes on, and reads what it lacks from the stream.
//
// # Messages
//
// A message is one JSON object of at most 512 KiB:
//
//	{"v":1,"term":57,"era":"fra1-0af3-1","prev":"<SHA-256 of the message before>","records":[{"at":"...","kind":"...","data":{...}}]}
//
// "term" is the sequence of the message with which its writer began to decide. "era" names the last new
// beginning on purpose that the message rests on: the making of the stream, or a rebase. "whole" counts
// the messages that hold the whole state between them; when the last of them is there, all before
// the first is of no account, and is removed from the stream and from the copies. Messages without
// "whole" that lie between them come after the state. Records that are too large for a message are
// compressed, alone, into "packed".
//
// The first message of a stream is the first part of a whole state, always.
//
// # The copy
//
// A copy is a journal as daemon/journal keeps it, so the same tools read it. The records of each message
// stand under a record of the kind "cluster.round", which has the message's sequence, term, hash, and the
// number of records. All records of kinds that begin with "cluster." are about the cluster itself.
package stream
