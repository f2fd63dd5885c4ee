// Package packaging holds what makes the program a service of a Linux system:
// the systemd unit, the user it runs as, the manual, the starter configuration,
// and the deb, rpm and apk packages that bring them (make packages). The package
// imapvigil-bus, in the directory bus, brings the NATS server of several nodes.
//
// A caller, here an administrator, may rely on this:
//
//   - Installing the deb starts the service, as Debian's policy has it; with the
//     starter file that is written then nothing is watched yet. The rpm follows the presets
//     of its system, the apk starts nothing.
//   - Upgrading restarts the service, asks nothing, and changes no file in /etc/imapvigil.
//   - Removing keeps the state. Purging the deb removes it and the starter file, but
//     nothing else that people have put into /etc/imapvigil.
//   - The same commit gives the same bytes.
//   - The package imapvigil-bus starts nothing before it has a configuration, and has a version
//     of its own: a new imapvigil does not restart the NATS server.
//
// Its tests hold unit, manual and starter file against the tools that read them.
// Those that look at the built packages, boot Debian 12 and 13, take the packages
// through their lives there and play the Ansible role of the examples have the
// build tag "systemd". make test runs them beside others; they need root, a machine that
// lets it make namespaces, and, once, a Debian mirror: the Debians that boot are
// kept in the user's cache, below imapvigil, and are never written to again.
// Where that is not to be had, make test SYSTEMD=no leaves them out.
package packaging
