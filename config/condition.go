package config

import (
	"fmt"
	"iter"
	"slices"
)

// A Condition is what an incident is about: an incident belongs to a check and a
// condition.
type Condition string

// The conditions.
const (
	ConditionService      Condition = "service"
	ConditionAddresses    Condition = "addresses"
	ConditionCertificate  Condition = "certificate"
	ConditionLatency      Condition = "latency"
	ConditionCapability   Condition = "capability"
	ConditionAccount      Condition = "account"
	ConditionIntermittent Condition = "intermittent"
	ConditionMonitor      Condition = "monitor"
	ConditionLocation     Condition = "location"
)

// conditionTable says once what there is to say of each condition. A condition's
// place in it is its bit in [Conditions].
var conditionTable = []struct {
	condition Condition
	severity  Severity // of an incident, unless its finding says that the check is down
	doc       string   // a sentence without a full stop
}{
	{ConditionService, SeverityDown, "The service does not work"},
	{ConditionAddresses, SeverityDegraded, "Some addresses of the service fail, others work"},
	{ConditionCertificate, SeverityDegraded, "The certificate expires soon, or is weak"},
	{ConditionLatency, SeverityDegraded, "A phase takes longer than its threshold"},
	{ConditionCapability, SeverityDegraded, "A capability that the check requires is missing"},
	{ConditionAccount, SeverityDegraded, "The check cannot log in with its own account, or cannot open its mailbox"},
	{ConditionIntermittent, SeverityDegraded, "The service fails again and again, each time too shortly to be reported"},
	{ConditionMonitor, SeverityDegraded, "The monitor itself has a fault"},
	{ConditionLocation, SeverityDegraded, "Some nodes see the service fail, too few for an outage"},
}

// Conditions is a set of conditions.
type Conditions uint16

// AllConditions returns the set of every condition.
func AllConditions() Conditions { return 1<<len(conditionTable) - 1 }

// ConditionSet makes a set.
func ConditionSet(list ...Condition) (set Conditions) {
	for _, c := range list {
		set |= c.bit()
	}
	return set
}

// Has reports whether c is in the set.
func (s Conditions) Has(c Condition) bool { return s&c.bit() != 0 }

// All yields the members in the order in which they are declared.
func (s Conditions) All() iter.Seq[Condition] {
	return func(yield func(Condition) bool) {
		for i, row := range conditionTable {
			if s&(1<<i) != 0 && !yield(row.condition) { // its row is its bit
				return
			}
		}
	}
}

// Severity returns the severity that incidents of the condition have by default.
func (c Condition) Severity() Severity {
	for _, row := range conditionTable {
		if row.condition == c {
			return row.severity
		}
	}
	return SeverityDegraded
}

// Doc returns what the condition means, as a sentence without a full stop.
func (c Condition) Doc() string {
	for _, row := range conditionTable {
		if row.condition == c {
			return row.doc
		}
	}
	return ""
}

// bit returns the place of the condition in a set, 0 if it is not known.
func (c Condition) bit() Conditions {
	for i, row := range conditionTable {
		if row.condition == c {
			return 1 << i
		}
	}
	return 0
}

// String names the members: "[service account]".
func (s Conditions) String() string { return fmt.Sprint(slices.Collect(s.All())) }
