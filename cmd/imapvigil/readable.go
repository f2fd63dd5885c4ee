package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/source"
)

// daemonReader returns the user whose reading validate looks after: the one that was
// named, or for root, who can read everything, the daemon's, where it is the daemon's
// configuration that is checked. False: nobody's.
func (p *program) daemonReader(name, path string) (access.User, access.Service, bool, error) {
	service := access.FindService("/")
	if name != "" {
		u, err := access.Find(name)
		return u, service, err == nil, err
	}
	if os.Geteuid() != 0 || source.Absolute(path) != defaultConfig {
		return access.User{}, service, false, nil
	}
	u, err := access.Find(service.User)
	// Where there is no such user the package is not installed.
	return u, service, err == nil, nil
}

// unreadableFor returns what a user cannot read of a configuration, and what to type.
func unreadableFor(u access.User, service access.Service, s *source.Snapshot) (diags []config.Diagnostic) {
	paths := slices.Clone(s.Directories())
	for _, f := range s.Files() {
		paths = append(paths, f.Name)
	}
	for _, name := range s.Named() {
		// systemd reads these as root, and passes them on.
		if !s.IsCredential(name) || !service.Credentials[filepath.Base(name)] {
			paths = append(paths, name)
		}
	}
	// What is checked in the place of a file has its own mode.
	replaced := slices.Collect(maps.Keys(s.Options().Replace))
	told := map[string]bool{}
	for _, path := range paths {
		block, blocked := u.Blocked(path)
		if !blocked || told[block.Path] || slices.Contains(replaced, path) {
			continue
		}
		told[block.Path] = true
		diags = append(diags, config.Diagnostic{
			Gravity: config.Error, Rule: "unreadable-for-daemon", Summary: "Not readable for the daemon",
			Detail: fmt.Sprintf("The daemon runs as the user %s, who cannot read this, so a reload would be rejected. Let its group read it:\n%s", u.Name, block.Remedy()),
			Pos:    config.Pos{File: block.Path},
		})
	}
	return diags
}
