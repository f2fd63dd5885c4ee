package api

import (
	"os"
	"strings"
	"time"
)

// zoneName returns the name of a zone as other machines know it. That of the machine is "Local" to
// Go, unless TZ is set; its name stands in the link /etc/localtime (localtime(5)).
func zoneName(zone *time.Location) string {
	name := zone.String()
	if name != "Local" {
		return name
	}
	link, _ := os.Readlink("/etc/localtime") // "": it is a copy, or there is none, which is UTC
	_, linked, _ := strings.Cut(link, "zoneinfo/")
	for _, candidate := range []string{linked, "UTC"} {
		if known, err := time.LoadLocation(candidate); candidate != "" && candidate != "Local" && err == nil && sameClocks(known, zone) {
			return candidate
		}
	}
	return name
}

// sameClocks reports whether two zones show the same in winter and in summer of this year.
func sameClocks(a, b *time.Location) bool {
	year := time.Now().Year()
	for _, month := range []time.Month{time.January, time.July} {
		at := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		_, first := at.In(a).Zone()
		_, second := at.In(b).Zone()
		if first != second {
			return false
		}
	}
	return true
}
