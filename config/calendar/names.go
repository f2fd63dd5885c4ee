package calendar

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a zone in the files is one on every machine, also where no database is installed
)

// zoneNames are the names of the IANA database that comes with Go, sorted.
//
//go:embed zones.txt
var zoneNames string

// ZoneNames returns the names of time zones, sorted: what people may have meant by one
// that does not exist. The list is shared: nobody may change it.
var ZoneNames = sync.OnceValue(func() []string { return strings.Fields(zoneNames) })

// Zone returns the time zone of a name of the IANA database. It is known on every machine
// alike, so "Local", which is another zone on each, is none.
func Zone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" { // time.LoadLocation takes these for UTC and for the machine's own
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// ZonesOfPlace returns the zones whose last part is a place, like "Berlin", in capitals
// and small letters alike.
func ZonesOfPlace(place string) (zones []string) {
	place = strings.ReplaceAll(strings.TrimSpace(place), " ", "_")
	for _, name := range ZoneNames() {
		if at := strings.LastIndexByte(name, '/'); strings.EqualFold(name[at+1:], place) {
			zones = append(zones, name)
		}
	}
	return slices.Compact(zones)
}
