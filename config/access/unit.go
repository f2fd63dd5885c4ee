package access

import (
	"os"
	"path/filepath"
	"regexp"
)

// A Service is what the unit of the daemon says about who reads its files.
type Service struct {
	User string
	// Credentials are those that systemd reads as root and passes on.
	Credentials map[string]bool
}

// unitPlaces are where systemd looks for the unit and its drop-ins, the weakest first
// (systemd.unit(5)).
var unitPlaces = []string{
	"usr/lib/systemd/system/imapvigil.service", "etc/systemd/system/imapvigil.service",
	"usr/lib/systemd/system/imapvigil.service.d/*.conf", "run/systemd/system/imapvigil.service.d/*.conf",
	"etc/systemd/system/imapvigil.service.d/*.conf",
}

var (
	unitUser       = regexp.MustCompile(`(?m)^User=(\S+)`)
	unitCredential = regexp.MustCompile(`(?m)^(?:LoadCredential|LoadCredentialEncrypted|SetCredential|SetCredentialEncrypted|ImportCredential)=([A-Za-z0-9_.@-]+)`)
)

// FindService reads the unit below a root of the file system, "/" but in tests. Where it
// does not name a user, and where there is none, the daemon runs as [DaemonUser].
func FindService(root string) Service {
	s := Service{User: DaemonUser, Credentials: map[string]bool{}}
	for _, place := range unitPlaces {
		files, _ := filepath.Glob(filepath.Join(root, place)) // the patterns are well formed
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			for _, m := range unitUser.FindAllSubmatch(text, -1) {
				s.User = string(m[1])
			}
			for _, m := range unitCredential.FindAllSubmatch(text, -1) {
				s.Credentials[string(m[1])] = true
			}
		}
	}
	return s
}
