// Package takeover reads the files of other monitors (gatus, Uptime Kuma, Nagios and
// Icinga, Prometheus with the blackbox exporter, plain lists of hosts) and writes the
// IMAP services in them as a configuration of imapvigil.
//
// It gets bytes and returns bytes: it reads no file and asks no server. What it
// writes is in hclfile's layout and always loads. Whatever it cannot take over is a
// comment beside the block it belongs to, or at the top of the output, and is listed in
// [Result.Left]. Passwords in the files of other monitors are never written.
package takeover
