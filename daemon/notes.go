package daemon

// leavesOut says in the log, once per family of addresses, that this machine has
// no route for it.
func (m *monitor) leavesOut(family string) { m.Log.Warn(routeNote(family)) }

// routeNotes are the same for the status, as long as it is so.
func routeNotes(families []string) (notes []string) {
	for _, family := range families {
		notes = append(notes, routeNote(family))
	}
	return notes
}

func routeNote(family string) string {
	return "this machine has no route for " + family + ": addresses of that family are not probed"
}
