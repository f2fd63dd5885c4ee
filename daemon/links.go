package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/daemon/api"
	"github.com/imapvigil/imapvigil/daemon/incident"
	"github.com/imapvigil/imapvigil/notifiers"
)

// linkKeyFile, in the state directory, is the key of the links that acknowledge.
const linkKeyFile = "acknowledge.key"

// openLinks reads the key of the links that acknowledge, or makes one. Links of another key do
// nothing any more, so a key that cannot be kept is good until the daemon ends.
func (m *monitor) openLinks() api.Links {
	file := filepath.Join(m.StateDir, linkKeyFile)
	key, err := readLinkKey(file)
	if err == nil {
		return api.NewLinks(key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		m.Log.Info("a key for links that acknowledge is made", zap.String("file", file))
	} else {
		m.Log.Warn("a new key for the links that acknowledge is made; links sent before do nothing any more", zap.String("file", file), zap.Error(err))
	}
	key = make([]byte, api.LinkKeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	if err := writeLinkKey(file, key); err != nil {
		m.Log.Warn("the key of the links that acknowledge cannot be kept; they do nothing any more when this daemon ends", zap.Error(err))
	}
	return api.NewLinks(key)
}

// A keptLinks holds the links of the key in force.
type keptLinks struct{ at atomic.Pointer[api.Links] }

// load returns the links of the key in force.
func (k *keptLinks) load() api.Links {
	if l := k.at.Load(); l != nil {
		return *l
	}
	return api.Links{}
}

func (k *keptLinks) store(l api.Links) { k.at.Store(&l) }

// code returns the value of a button that acknowledges an incident.
func (k *keptLinks) code(id incident.ID, sentBy config.NotifierID) string {
	return k.load().Code(id, sentBy)
}

// takeLinkKey has this machine use the key of another node, and keep it: a link works on every node,
// and who gets the messages of a notifier bears the same mark whoever decides.
func (m *monitor) takeLinkKey(key []byte) {
	if len(key) != api.LinkKeySize || bytes.Equal(key, m.links.load().Key()) {
		return
	}
	if err := writeLinkKey(filepath.Join(m.StateDir, linkKeyFile), key); err != nil {
		m.Log.Warn("the key of the links that acknowledge, which all nodes share, cannot be kept", zap.Error(err))
	}
	m.links.store(api.NewLinks(key))
	m.channels.markAgain()
}

// readLinkKey reads a key that nobody else can read.
func readLinkKey(file string) ([]byte, error) {
	info, err := os.Lstat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may have read it: its mode is %#o", info.Mode().Perm())
	case info.Size() != api.LinkKeySize:
		return nil, fmt.Errorf("it has %d bytes instead of %d", info.Size(), api.LinkKeySize)
	}
	return os.ReadFile(file)
}

// writeLinkKey writes a key so that after a power failure there is all of it or none.
func writeLinkKey(file string, key []byte) error {
	next, err := os.CreateTemp(filepath.Dir(file), linkKeyFile+".*") // its mode is 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // fails when all went well
	_, err = next.Write(key)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), file)
}

// linkToken returns the token of a link that acknowledges an incident.
func (m *monitor) linkToken(id incident.ID, sentTo config.RoleID, until time.Time) string {
	return m.links.load().Token(api.Link{Incident: id, Role: sentTo, Until: until})
}

// linkedIn returns the incident that the link of a request acknowledges; empty: it has none.
func (m *monitor) linkedIn(r *http.Request) incident.ID {
	link, err := m.links.load().Read(r.PathValue("token"), time.Now())
	if err != nil {
		return "" // of another key, or too old: whoever decides says so
	}
	return link.Incident
}

// takePress acknowledges what somebody has pressed the button of a message for.
func (m *monitor) takePress(ctx context.Context, sentBy config.NotifierID, p notifiers.Press) (words string, err error) {
	return api.Presses{Daemon: m, Links: m.links.load(), Monitor: m.node}.Take(ctx, sentBy, p)
}
