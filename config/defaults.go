package config

import "time"

// The defaults of an imap_check.
const (
	DefaultPort              = 993 // of IMAP with TLS from the first byte, RFC 8314 section 3.2
	DefaultInterval          = time.Minute
	DefaultTimeout           = 30 * time.Second // or the interval, if that is smaller
	DefaultRetryInterval     = 15 * time.Second // the same
	DefaultFaultTolerance    = 3 * time.Minute
	DefaultRecoveryTolerance = 2 * time.Minute
	DefaultReopenWithin      = time.Hour
	DefaultRemind            = 4 * time.Hour

	// The limits of a certificate's last days are these, or a part of its lifetime if
	// that is smaller: one that lives for 6 days is not a warning from its first day on.
	DefaultExpiryWarning  = 21 * 24 * time.Hour // or a third of the lifetime
	DefaultExpiryCritical = 3 * 24 * time.Hour  // or a tenth
)

// DefaultSecurity returns how the connection to a port becomes encrypted where a
// check does not say so; "" for a port that does not tell.
func DefaultSecurity(port uint16) Security {
	switch port {
	case DefaultPort:
		return TLSFromStart
	case 143: // where a connection begins without TLS, RFC 9051 section 6.2.1
		return StartTLS
	}
	return ""
}

// DefaultProbe returns the defaults that do not depend on other attributes. What
// a check says is written over them, then [Probe.FillDefaults] adds the rest.
func DefaultProbe() Probe {
	return Probe{Port: DefaultPort, Addresses: AllAddresses, Interval: DefaultInterval}
}

// DefaultPolicy returns when a failure is an incident where a check does not say so.
func DefaultPolicy() Policy {
	return Policy{
		FaultTolerance:    DefaultFaultTolerance,
		RecoveryTolerance: DefaultRecoveryTolerance,
		ReopenWithin:      DefaultReopenWithin,
		Remind:            DefaultRemind,
	}
}

// FillDefaults sets what is not set yet and depends on other attributes. Security
// stays empty where the port does not tell it.
func (p *Probe) FillDefaults() {
	if p.Security == "" {
		p.Security = DefaultSecurity(p.Port)
	}
	if p.Timeout == 0 {
		// Each conversation is over before the next probe is due.
		p.Timeout = min(DefaultTimeout, p.Interval)
	}
	if p.RetryInterval == 0 {
		p.RetryInterval = min(DefaultRetryInterval, p.Interval)
	}
}

// ExpiryLimits returns how long before its end a certificate with a lifetime is a
// warning, and critical.
func (t TLS) ExpiryLimits(lifetime time.Duration) (warning, critical time.Duration) {
	warning, critical = t.ExpiryWarning, t.ExpiryCritical
	if warning == 0 {
		// 21 days for a certificate that lives for 90, and 2 for one that lives for 6.
		warning = min(DefaultExpiryWarning, lifetime/3)
	}
	if critical == 0 {
		critical = min(DefaultExpiryCritical, lifetime/10)
	}
	return warning, critical
}
