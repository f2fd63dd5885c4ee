//go:build !quick

package pages

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/imapvigil/imapvigil/config/golden"
	"github.com/imapvigil/imapvigil/daemon/api"
)

// A studio takes photographs of pages: with a browser, in a font that is there on every machine,
// and with a clock that stands still.
type studio struct {
	t       *testing.T
	browser context.Context
}

// A font is a family that the pictures are set in, and the Debian package that has it.
type font struct{ family, file, debian string }

var (
	dejaVu = font{"DejaVu Sans", "DejaVuSans.ttf", "fonts-dejavu-core"}
	inter  = font{"Inter", "Inter-Regular.otf", "fonts-inter"}
)

// newStudio starts Chromium, without a window, until the end of the test.
func newStudio(t *testing.T, fonts ...font) *studio {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: install the Debian package chromium")
	}
	for _, f := range append(fonts, dejaVu) { // the letters of programs are always those of DejaVu
		out, err := exec.CommandContext(t.Context(), "fc-list", f.family, "file").Output()
		if err != nil || !strings.Contains(string(out), f.file) {
			t.Fatalf("the font %s is missing: install the Debian packages fontconfig and %s", f.family, f.debian)
		}
	}
	// What draws letters and colours differently on another machine is switched off.
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("font-render-hinting", "none"), chromedp.Flag("disable-lcd-text", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("lang", "en"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(browser) // waits for its end, so that its files can be removed
		end()
	})
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal("starting chromium: ", err)
	}
	return &studio{t, browser}
}

// A shot is what is photographed: a page of a stage, on a screen.
type shot struct {
	path string
	of   *viewer
	at   time.Time // what the clock of the browser shows
	as   *api.Visitor
	font font
	wide int64
	tall int64
	dark bool
	// until is the element with which the picture ends; "": it is as tall as the screen.
	until string
}

// take returns the picture.
func (s *studio) take(o shot) image.Image {
	s.t.Helper()
	server := serveStage(s.t, o.of, o.as)
	ctx, cancel := chromedp.NewContext(s.browser, chromedp.WithNewBrowserContext())
	defer cancel()
	ctx, end := context.WithTimeout(ctx, 2*time.Minute)
	defer end()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatalf("%s: %v", o.path, err)
		}
	}
	features := []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: "prefers-color-scheme", Value: map[bool]string{false: "light", true: "dark"}[o.dark]}}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
	must(err)
	_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(stillness, o.at.UnixMilli(), o.font.family)})
	must(err)
	must(chromedp.Do(ctx, chromedp.EmulateViewport(o.wide, o.tall), chromedp.Navigate(server+o.path)))
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](settled, chromedp.EvalAwaitPromise))
	must(err)
	tall := float64(o.tall)
	if o.until != "" {
		tall, err = chromedp.Run(ctx, chromedp.Evaluate[float64](fmt.Sprintf(`Math.ceil(document.querySelector(%q).getBoundingClientRect().bottom + 32)`, o.until)))
		must(err)
	}
	must(chromedp.Do(ctx, chromedp.EmulateViewport(o.wide, int64(tall))))
	text, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	must(err)
	picture, err := png.Decode(bytes.NewReader(text))
	must(err)
	return picture
}

// stillness stops the clock, and sets the letters. The policy of the page allows no style that
// is written into it; this one is put there as a developer's tools do it.
const stillness = `{
	const at = %d;
	Date.now = () => at;
	addEventListener("DOMContentLoaded", () => {
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(':root { --sans: "%s", "DejaVu Sans"; --mono: "DejaVu Sans Mono"; }');
		document.adoptedStyleSheets = [sheet];
	});
}`

// settled is true once the page has its letters, and its stream if it has one.
const settled = `(async () => {
	const live = document.getElementById("live");
	while (document.body.dataset.live && live && live.textContent !== "Live") await new Promise(requestAnimationFrame);
	await document.fonts.ready;
	return true;
})()`

// serveStage serves the pages of a stage to a visitor, with a stream on which nothing happens.
func serveStage(t *testing.T, v *viewer, as *api.Visitor) string {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range v.routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.HandleFunc("GET /api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("event: hello\ndata: {\"checks\": []}\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if as != nil {
			r = r.WithContext(api.WithVisitor(r.Context(), as))
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// comparePicture fails the test when a file shows something else: when more than a share of the
// points differ visibly. With -update it writes the file.
func comparePicture(t *testing.T, file string, got image.Image, share float64) {
	t.Helper()
	small := reduceColours(got)
	if golden.Updating() {
		savePicture(t, file, small)
	}
	if *pagesFolder != "" {
		savePicture(t, filepath.Join(*pagesFolder, filepath.Base(file)), small)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if want.Bounds() != got.Bounds() {
		t.Fatalf("%s has %v, the page %v: look at it with -pages DIR, and write it anew with -update", file, want.Bounds().Max, got.Bounds().Max)
	}
	differ, box := 0, image.Rectangle{}
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			if visiblyOther(got.At(x, y), want.At(x, y)) {
				differ++
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if of := got.Bounds().Dx() * got.Bounds().Dy(); float64(differ) > share*float64(of) {
		t.Errorf("%s: %d of %d points differ, within %v: look at it with -pages DIR, and write it anew with -update", file, differ, of, box)
	}
}

// visiblyOther reports whether two points differ by more than the rounding of an edge.
func visiblyOther(a, b color.Color) bool {
	const visible = 40 << 8
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	return distance(r1, r2) > visible || distance(g1, g2) > visible || distance(b1, b2) > visible
}

func distance(a, b uint32) uint32 { return max(a, b) - min(a, b) }

// reduceColours returns a picture in the 256 colours that it has most of, which makes the
// file a third as large.
func reduceColours(of image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(of.At(x, y)).(color.RGBA) }
	for y := range of.Bounds().Dy() {
		for x := range of.Bounds().Dx() {
			counts[at(x, y)]++
		}
	}
	var list []color.RGBA
	for c := range counts {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b color.RGBA) int {
		if n := counts[b] - counts[a]; n != 0 {
			return n
		}
		return int(a.R)<<16 + int(a.G)<<8 + int(a.B) - int(b.R)<<16 - int(b.G)<<8 - int(b.B)
	})
	palette := color.Palette{}
	for _, c := range list[:min(256, len(list))] {
		palette = append(palette, c)
	}
	nearest := map[color.RGBA]uint8{}
	for c := range counts {
		nearest[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(of.Bounds(), palette)
	for y := range of.Bounds().Dy() {
		for x := range of.Bounds().Dx() {
			small.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return small
}

func savePicture(t *testing.T, file string, p image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	saveFile(t, file, b.Bytes())
}

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
