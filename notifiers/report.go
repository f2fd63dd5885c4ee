package notifiers

import "time"

// A Report is a message about a period instead of incidents. Only people get one, by email.
type Report struct {
	// Name is that of the report block, From and Until are the period.
	Name        string
	From, Until time.Time

	// What is sent; empty until it is composed, which takes too long to be done where alarms
	// are decided.
	Subject     string
	Text, HTML  string
	Attachments []Attachment
}

// An Attachment is a file that goes with a message.
type Attachment struct {
	Name string // "availability-2026-10.csv"
	Type string // "text/csv"
	Data []byte
}
