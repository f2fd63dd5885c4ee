package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
	"time"
)

// process is another word in each process: a snapshot of version 7 is another one after a
// restart, and another one from another tracker.
var process = rand.Text()

// entityTag returns the tag of what a visitor is answered now: it changes with what is known, with
// what the daemon says of itself, and with who asks. What only time changes (maintenance
// begins and ends with a minute, a silence with any second) counts, too.
func (v1 *versionOne) entityTag(r *http.Request) (string, error) {
	s, err := v1.daemon.Snapshot(r.Context())
	if err != nil {
		return "", err
	}
	self := v1.daemon.Self()
	self.Probes.LagS = 0 // it is never quite the same, and nobody waits for its digits
	about, err := json.Marshal(self)
	if err != nil {
		return "", err
	}
	hash := fnv.New128a()
	visitor := VisitorOf(r.Context())
	active := 0
	for i := range s.Silences {
		if s.Silences[i].Until.After(s.At) {
			active++
		}
	}
	_, _ = fmt.Fprintf(hash, "%s %d %d %d %d %t %q %q ", process, s.Source, s.Version, s.At.Truncate(time.Minute).Unix(), active, visitor.Groups == nil, visitor.Groups, r.URL.RawQuery)
	_, _ = hash.Write(about)
	return `W/"` + hex.EncodeToString(hash.Sum(nil)) + `"`, nil
}

// hasTag reports whether whoever asks has what is tagged so, RFC 9110 section 13.1.2.
func hasTag(r *http.Request, tag string) bool {
	for given := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if given = strings.TrimSpace(given); given == "*" || given == tag || "W/"+given == tag {
			return true
		}
	}
	return false
}
