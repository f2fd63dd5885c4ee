package pages

// A timeRange is a time from one moment to another, as people write it: the date once where it
// is the same day.
type timeRange struct{ From, To stamp }

// Begin returns the beginning; with its zone where there is no end.
func (t timeRange) Begin() string {
	if !t.To.Known() {
		return t.From.Exact()
	}
	return t.From.at.In(t.From.zone).Format("2006-01-02 15:04")
}

// End returns the end, with the zone.
func (t timeRange) End() string {
	if t.From.Day() == t.To.Day() {
		return t.To.at.In(t.To.zone).Format("15:04 MST")
	}
	return t.To.Exact()
}

// Minute returns the time of the day, for a list whose day is known.
func (s stamp) Minute() string { return s.at.In(s.zone).Format("15:04") }
