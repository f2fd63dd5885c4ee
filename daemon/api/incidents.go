package api

import "github.com/imapvigil/imapvigil/daemon/tracker"

// Check is one check in a Status.
type Check = tracker.CheckView

// Incident is one incident in Incidents.
type Incident = tracker.IncidentView

// Delivery is one message about an incident.
type Delivery = tracker.DeliveryView

// Incidents is what `incidents --json` prints. The keys are an interface.
type Incidents struct {
	Incidents []Incident `json:"incidents"`
}
