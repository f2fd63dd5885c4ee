package main

import (
	"os"
	"os/user"
	"path/filepath"

	"github.com/imapvigil/imapvigil/daemon"
)

// environment holds the settings that the program takes from environment variables. The
// program reads variables here and nowhere else; libraries read their own (NOTIFY_SOCKET and WATCHDOG_USEC of
// go-systemd, HTTPS_PROXY of net/http, GOMEMLIMIT and GOGC of Go's runtime).
type environment struct {
	daemon       daemon.Environment
	noColour     bool   // NO_COLOR (no-color.org), or a terminal that knows none
	dumb         bool   // TERM=dumb: the cursor cannot be moved
	underSystemd bool   // JOURNAL_STREAM, systemd.exec(5): a service whose output the journal reads
	collects     bool   // GOGC is set, and says how often garbage is collected
	sourceDate   string // SOURCE_DATE_EPOCH, reproducible-builds.org
	sudoUser     string // SUDO_USER, sudo(8): who became root
}

// readEnvironment reads the variables once, when the program starts.
func readEnvironment() environment {
	return environment{
		daemon: daemon.Environment{
			CredentialsDirectory: os.Getenv("CREDENTIALS_DIRECTORY"),
			StateDirectory:       os.Getenv("STATE_DIRECTORY"),
			NotifySocket:         os.Getenv("NOTIFY_SOCKET"),
			KeepMemoryLimit:      os.Getenv("GOMEMLIMIT") != "",
			LookupEnv:            os.LookupEnv,
		},
		noColour:     os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb",
		dumb:         os.Getenv("TERM") == "dumb",
		underSystemd: os.Getenv("JOURNAL_STREAM") != "",
		collects:     os.Getenv("GOGC") != "",
		sourceDate:   os.Getenv("SOURCE_DATE_EPOCH"),
		sudoUser:     os.Getenv("SUDO_USER"),
	}
}

// userName returns who types: as root, who used sudo; empty: it is not known.
func (e environment) userName() string {
	if os.Geteuid() == 0 && e.sudoUser != "" {
		return e.sudoUser
	}
	current, err := user.Current()
	if err != nil {
		return "" // the daemon knows the user of the connection
	}
	return current.Username
}

// stateDirectory returns what systemd has made for the state (StateDirectory=), of
// several directories the first; empty: nothing.
func (e environment) stateDirectory() string {
	if dirs := filepath.SplitList(e.daemon.StateDirectory); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}
