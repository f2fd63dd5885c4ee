//go:build !quick

package pages

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/imapvigil/imapvigil/config/golden"
)

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
	differ, box := otherPoints(got, want)
	if of := got.Bounds().Dx() * got.Bounds().Dy(); float64(differ) > share*float64(of) {
		t.Errorf("%s: %d of %d points differ, within %v: look at it with -pages DIR, and write it anew with -update", file, differ, of, box)
	}
}

// otherPoints counts the points in which two pictures of one size differ visibly, and says where.
func otherPoints(a, b image.Image) (n int, within image.Rectangle) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if visiblyOther(a.At(x, y), b.At(x, y)) {
				n++
				within = within.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return n, within
}

// visiblyOther reports whether two points differ by more than the rounding of an edge.
func visiblyOther(a, b color.Color) bool {
	const visible = 40 << 8
	return differBy(a, b, visible)
}

// differBy reports whether red, green or blue of two points differ by more than that much.
func differBy(a, b color.Color, much uint32) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	return distance(r1, r2) > much || distance(g1, g2) > much || distance(b1, b2) > much
}

func distance(a, b uint32) uint32 { return max(a, b) - min(a, b) }

// reduceColours returns a picture in 256 colours, which makes the file a third as large.
func reduceColours(of image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA {
		r, g, b, _ := of.At(x, y).RGBA()
		return color.RGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 255}
	}
	for y := range of.Bounds().Dy() {
		for x := range of.Bounds().Dx() {
			counts[at(x, y)]++
		}
	}
	palette := paletteOf(counts)
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

// paletteOf chooses the 256 colours that there is most of, first those that are like no other.
func paletteOf(counts map[color.RGBA]int) color.Palette {
	number := func(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
	list := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], number(a)-number(b))
	})
	const like = 20 << 8
	var palette color.Palette
	for _, closest := range []uint32{like, 0} {
		for _, c := range list {
			isThere := func(p color.Color) bool { return !differBy(p, c, closest) }
			if len(palette) < 256 && !slices.ContainsFunc(palette, isThere) {
				palette = append(palette, c)
			}
		}
	}
	return palette
}

func savePicture(t *testing.T, file string, p image.Image) {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	saveFile(t, file, b.Bytes())
}

// A picture that has changed in more than a thousandth of its points is noticed, and one whose
// edges are drawn a little differently is not.
func TestChangedPictureIsNoticed(t *testing.T) {
	t.Parallel()
	white, edges, dot := image.NewRGBA(image.Rect(0, 0, 100, 100)), image.NewRGBA(image.Rect(0, 0, 100, 100)), image.NewRGBA(image.Rect(0, 0, 100, 100))
	for i := range 10_000 {
		for _, p := range []*image.RGBA{white, edges, dot} {
			p.Set(i%100, i/100, color.White)
		}
		if i%7 == 0 {
			edges.Set(i%100, i/100, color.Gray{230})
		}
	}
	for x := range 11 {
		dot.Set(x, 50, color.RGBA{R: 192, G: 38, B: 29, A: 255})
	}
	if n, _ := otherPoints(white, edges); n > 0 {
		t.Errorf("%d points are said to differ", n)
	}
	if n, within := otherPoints(white, dot); n != 11 || within != image.Rect(0, 50, 11, 51) {
		t.Errorf("%d points are said to differ, within %v", n, within)
	}
}
