package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/source"
)

// unreadableAs returns what the daemon's user cannot read of a configuration at a path, which
// root, who can read everything, would not notice; or what another user cannot read, if
// one is named. The snapshot is nil when there was nothing to read.
func unreadableAs(as, path string, s *source.Snapshot) ([]config.Diagnostic, error) {
	if s == nil || as == "" && (os.Geteuid() != 0 || source.Absolute(path) != defaultConfig) {
		return nil, nil
	}
	service := access.FindService("/")
	u, err := access.Find(cmp.Or(as, service.User))
	switch {
	case err == nil:
		return unreadableFor(u, service, s), nil
	case as == "": // the package is not installed
		return nil, nil
	}
	return nil, err
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
