// Package history keeps what was, for those who look back: in which times a check was
// absent, paused, in maintenance or unknown, the incidents and their episodes, and how
// long probes took. It is one SQLite file, and the only room that imports SQLite.
//
// The intervals are the truth: availability is computed from them when somebody asks
// (daemon/availability). The samples only draw latency.
//
// Nothing here is on the way of an alarm. What comes in is kept in memory under a mutex
// that is never held during I/O; one goroutine writes it every ten seconds. A disk that
// is full, slow, read-only or gone delays that goroutine alone: what does not fit into
// memory meanwhile is dropped and counted, and what was not recorded is unknown later,
// never well. A damaged file is set aside and begun anew.
//
// The tables:
//
//	meta      when the file was begun, and when it was last written
//	chk       the checks; a moved block renames one, so several ids may share a name
//	span      the times of a check that are absent, paused, maintenance or unknown; of check 0: of all
//	incident  the incidents, as the journal may have forgotten them
//	bout      their episodes
//	series    an address of a check, as one node sees it
//	log       the observations of ten seconds a row
//	chunk     those of a series in an hour, column by column
//	hourly    the sums of the hours of a day
//	daily     the sum of a day
//	cert      the certificates that an address has shown
//
// Times are milliseconds since 1970 in UTC, unless a column says otherwise.
package history
