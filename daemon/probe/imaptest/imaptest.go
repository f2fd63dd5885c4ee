// Package imaptest has IMAP servers for tests and for the demo, over loopback.
//
// It owns two of them. A [Server] follows a [Script] line by line and so can
// behave as badly as one likes; it records every byte it was sent. A [Memory]
// is a well-behaved server (go-imap's imapmemserver) that can be made to refuse
// connections, to hang or to show another certificate while it runs.
//
// It never imports testing, since the binary links it, listens on loopback
// only, and stores nothing. A caller may rely on this: Close waits until every
// goroutine of a server has ended.
//
// # The script language
//
// One step a line; empty lines and lines that begin with # are ignored.
//
//	S: * OK ready         send a line; $tag is the tag of the last command, $secret
//	                      the password or token in it, $base64 that in base64
//	C: LOGIN alice *      wait for a command; * stands for any text; letter case
//	                      does not matter. Another command ends the connection
//	                      and is kept in Surprises
//	C                     wait for a line, whatever it is (a SASL answer)
//	spoken-to             wait until the client has sent anything
//	tls [OPTION...]       the server's side of a TLS handshake; options are the
//	                      name of a certificate, see [Certificates], max=1.1,
//	                      client-cert (demand one) and ask-cert (take none, too)
//	large-hello reset     reset, close, silence, or the number of an alert: what
//	                      happens when a ClientHello takes more than one segment
//	proxy v1              take the header of the PROXY protocol, v1 or v2, with the
//	                      true addresses of the connection
//	raw "\x16\x03 text"   send bytes, written as a Go string; $tag as above
//	drip 50ms * OK ready  send a line byte by byte, a pause before each
//	repeat 9 * 1 EXISTS   send a line many times
//	fill 9000 x           send a letter many times, without a line end
//	trickle 50ms * 1 FOO  send a line again and again, a pause before each,
//	                      until the client hangs up
//	pause 100ms           wait
//	caps CAPABILITY...    what the polite steps announce beside IMAP4rev1
//	until LOGIN *         answer everything politely until this command comes
//	serve [CAPABILITY...] answer everything politely until LOGOUT; capabilities
//	                      as with caps
//	silence               say nothing until the client hangs up
//	close                 close the connection (also what the end of a script does)
//	half-close            close the sending side only, then silence
//	reset                 close with a TCP reset
//	--- next connection   what follows is for the next connection; the last part
//	                      serves all further ones
package imaptest
