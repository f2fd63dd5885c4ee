package daemon

import (
	"context"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/config/watch"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A request is a reload that somebody waits for.
type request struct {
	allowShrink bool
	verdict     chan<- api.Verdict
}

// reasons are all that one look at the files answers.
type reasons struct {
	waiting []request
	hangup  bool
	shrink  bool     // one of the requests allows it
	words   []string // each once
}

// isHint reports whether nobody has asked: a watcher believes that something may
// have changed.
func (w reasons) isHint() bool { return len(w.waiting) == 0 && !w.hangup }

func (w reasons) String() string { return strings.Join(w.words, ", ") }

func (w *reasons) addNotice(why watch.Reason) { w.addWord(why.String()) }

func (w *reasons) addHangup() {
	w.hangup = true
	w.addWord("SIGHUP")
}

func (w *reasons) addRequest(req request) {
	w.waiting = append(w.waiting, req)
	w.shrink = w.shrink || req.allowShrink
	w.addWord("request")
}

func (w *reasons) addWord(word string) {
	if !slices.Contains(w.words, word) {
		w.words = append(w.words, word)
	}
}

// gatherReasons waits for a reason to look, and takes those along that have come up
// since the last look began. Not ok: ctx has ended.
func (r *reloader) gatherReasons(ctx context.Context) (w reasons, ok bool) {
	select {
	case why := <-r.watcher.C():
		w.addNotice(why)
	case <-r.Hangup:
		w.addHangup()
	case req := <-r.requests:
		w.addRequest(req)
	case <-ctx.Done():
		return w, false
	}
	for {
		select {
		case why := <-r.watcher.C():
			w.addNotice(why)
		case <-r.Hangup:
			w.addHangup()
		case req := <-r.requests:
			w.addRequest(req)
		default:
			return w, true
		}
	}
}
