// Package packaging holds what makes the program a service of a Linux system:
// the systemd unit, the user it runs as, and what belongs to them.
package packaging
