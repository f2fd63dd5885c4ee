//go:build !quick

package pages

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imapvigil/imapvigil/daemon/api"
)

var operator = &api.Visitor{Name: "anna", Rights: []api.Right{api.See, api.Metrics, api.Operate}}

// The pictures of README.md show the pages as they are. The font is newer on a newer Debian, so
// that edges of letters may differ; all else must be the same.
func TestPicturesOfReadme(t *testing.T) {
	s := newStudio(t, inter)
	v := &viewer{Options: Options{Daemon: photoStage(t)}, past: photoPast()}
	size := int64(0)
	for name, o := range map[string]shot{
		"overview": {path: "/", wide: 1280, until: ".groups"},
		"check":    {path: "/c/mx3/imaps", wide: 1136, until: "#latency"},
	} {
		o.of, o.as, o.font, o.at, o.tall = v, operator, inter, photographed.Add(time.Minute), 900
		file := filepath.Join("..", "..", "..", "examples", "pictures", name+".png")
		comparePicture(t, file, s.take(o), 0.02)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if size > 250<<10 {
		t.Errorf("the pictures have %.0f KB", math.Ceil(float64(size)/1024))
	}
}

// Pages look as they did. Who changes their look writes the pictures anew with -update, and looks
// at what has become different.
func TestPagesLookAsBefore(t *testing.T) {
	s := newStudio(t)
	troubled := &viewer{Options: Options{Daemon: plannedStage(t)}, past: measuredPast()}
	well := &viewer{Options: Options{Daemon: wellStage(t)}, past: &madePast{since: begin.AddDate(0, 0, -30)}}
	certificates := &viewer{Options: Options{Daemon: certificatesStage(t)}, past: measuredPast()}
	messages := &viewer{Options: Options{Daemon: messagesStage(t)}, past: measuredPast()}
	nodes := &viewer{Options: Options{Daemon: newJoinedStage(t)}}
	public := &viewer{Options: Options{Daemon: publicStage(t)}, past: publicHistory()}
	for name, o := range map[string]shot{
		"overview":       {path: "/", of: troubled, wide: 1280, until: "main"},
		"overview-phone": {path: "/", of: troubled, wide: 360, tall: 800, dark: true},
		"overview-well":  {path: "/", of: well, wide: 1280, tall: 800, dark: true},
		"check":          {path: "/c/mx2/imaps", of: troubled, wide: 1280, until: "main", dark: true},
		"check-phone":    {path: "/c/mx2/login", of: troubled, wide: 360, until: "#waterfall"},
		"nodes":          {path: "/c/mx2/imaps", of: nodes, wide: 1280, until: "main"},
		"nodes-phone":    {path: "/c/mx2/imaps", of: nodes, wide: 360, until: "main", dark: true},
		"incident":       {path: "/i/k3q9w2m7tx", of: troubled, wide: 1280, until: "main"},
		"incident-phone": {path: "/i/p8d4r6v1zb", of: troubled, wide: 360, until: "main", dark: true},
		"certificates":   {path: "/certificates", of: certificates, wide: 1280, until: "main"},
		"deliveries":     {path: "/deliveries", of: messages, wide: 1280, until: "main"},
		"coming":         {path: "/coming", of: troubled, wide: 1280, until: "main"},
		"monitor":        {path: "/monitor", of: troubled, wide: 1280, until: "main"},
		"reports":        {path: "/reports", of: troubled, wide: 1280, until: "main"},
		"wall":           {path: "/wall", of: troubled, wide: 1280, tall: 720, dark: true},
		"public-phone":   {path: "/p/europe", of: public, wide: 360, until: "main"},
	} {
		t.Run(name, func(t *testing.T) {
			o.as, o.font, o.at = operator, dejaVu, begin.Add(time.Minute)
			o.tall = max(o.tall, 480)
			comparePicture(t, filepath.Join("testdata", "pictures", name+".png"), s.in(t).take(o), 0.001)
		})
	}
}
