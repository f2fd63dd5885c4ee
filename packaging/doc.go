// Package packaging holds what makes the program a service of a Linux system:
// the systemd unit, the user it runs as, the manual, the starter configuration,
// and the deb, rpm and apk packages that bring them (make packages).
//
// A caller, here an administrator, may rely on this:
//
//   - Installing the deb starts the service, as Debian's policy has it; with the
//     file that comes with it nothing is watched yet. The rpm follows the presets
//     of its system, the apk starts nothing.
//   - Upgrading restarts the service. Files that were changed are kept.
//   - Removing keeps the state. Purging the deb removes it, but never what people
//     have put into /etc/imapvigil.
//   - The same commit gives the same bytes.
//
// Its tests hold unit, manual and starter file against the tools that read them.
// Those that boot Debian 12 and 13, take the built package through its life and
// play the Ansible role of the examples need root, a Debian mirror and some
// minutes, so they stand behind the build tag "systemd" and are no part of make
// test: make test-systemd runs them.
package packaging
