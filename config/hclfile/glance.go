package hclfile

import (
	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/source"
)

// Places returns the daemon block as far as it can be made out, whatever is wrong with
// it or with the rest of the files: where a daemon keeps its state and listens must be
// found most of all when its files have just been broken. What cannot be made out has
// its default. Roles and secrets are left out.
func Places(s *source.Snapshot) config.Daemon {
	l := newLoader(s)
	l.config.Daemon = defaultDaemon()
	l.guard(func() {
		var files []parsed
		for _, p := range parseAll(s.Files()) {
			if p.body != nil { // as far as the parser came
				files = append(files, p)
			}
		}
		l.defineLocals(files)
		for _, f := range files {
			l.declare(l.expand(f))
		}
		l.defineDaemon()
	})
	d := l.config.Daemon
	d.Roles, d.HeartbeatURL = nil, defaultDaemon().HeartbeatURL
	return d
}
