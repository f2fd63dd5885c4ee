package diagnose

import (
	"bytes"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// excerpts gives source lines for diagnostics, with what may be a secret
// masked. Files are looked at only when something is wrong in them.
type excerpts struct {
	source func(file string) (text []byte, masks []Span, ok bool)
	files  map[string]*lined
}

// lined is a source file with its line starts and its masked parts.
type lined struct {
	text   []byte
	starts []int
	masks  []Span
}

// A Span is a part of a file, in bytes.
type Span struct{ From, To int }

// SpanOf returns the part of its file that a range is.
func SpanOf(at hcl.Range) Span { return Span{at.Start.Byte, at.End.Byte} }

// Overlaps reports whether a part of it is in others, too.
func (b Span) Overlaps(spans []Span) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return s.From < b.To && b.From < s.To })
}

func (x *excerpts) fileNamed(name string) *lined {
	if f, ok := x.files[name]; ok {
		return f
	}
	text, masks, ok := x.source(name)
	if !ok {
		x.files[name] = nil // not asked for again with each finding
		return nil
	}
	f := &lined{text: text, starts: []int{0}, masks: joined(masks)}
	for i, c := range text {
		if c == '\n' {
			f.starts = append(f.starts, i+1)
		}
	}
	x.files[name] = f
	return f
}

// Hide masks a place of which nothing is shown.
func (f *Findings) Hide(at hcl.Range) {
	if f := f.excerpts.fileNamed(at.Filename); f != nil {
		f.masks = joined(append(f.masks, SpanOf(at)))
	}
}

// Hides reports whether something at a place, or right beside it, is masked.
func (f *Findings) Hides(at hcl.Range) bool {
	file := f.excerpts.fileNamed(at.Filename)
	return file != nil && Span{at.Start.Byte - 1, at.End.Byte + 1}.Overlaps(file.masks)
}

// lineAt returns the line that a range begins in, and what to underline in it, in runes;
// "" where there is no such line.
func (x *excerpts) lineAt(r hcl.Range) (string, [2]int) {
	f := x.fileNamed(r.Filename)
	if f == nil || r.Start.Line < 1 || r.Start.Line > len(f.starts) {
		return "", [2]int{}
	}
	from := f.starts[r.Start.Line-1]
	to := len(f.text)
	if r.Start.Line < len(f.starts) {
		to = f.starts[r.Start.Line] - 1
	}
	// The carriage return of a line from Windows would be shown as U+FFFD.
	to = from + len(bytes.TrimRight(f.text[from:to], " \t\r\n"))
	text, mark := f.render(Span{from, to}, Span{r.Start.Byte, max(r.End.Byte, r.Start.Byte+1)})
	return cutAround(text, mark)
}

// joined returns spans in their order, with one in place of those that overlap or touch.
func joined(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return a.From - b.From })
	var out []Span
	for _, s := range spans {
		if last := len(out) - 1; last >= 0 && s.From <= out[last].To {
			out[last].To = max(out[last].To, s.To)
		} else {
			out = append(out, s)
		}
	}
	return out
}

// render returns a line with its masked parts replaced, and where the span to underline
// has gone.
func (f *lined) render(line, under Span) (shown []rune, mark [2]int) {
	mark[0] = -1
	for p := line.From; p < line.To; {
		r, size := utf8.DecodeRune(f.text[p:line.To])
		if r != '\t' && isControl(r) {
			r = '\uFFFD'
		}
		// One character for all of it: its length would tell something.
		if m, masked := f.maskAt(p); masked {
			r, size = '…', min(m.To, line.To)-p
		}
		if mark[0] < 0 && p+size > under.From {
			mark[0] = len(shown)
		}
		shown = append(shown, r)
		if p < under.To {
			mark[1] = len(shown)
		}
		p += size
	}
	if mark[0] < 0 { // the place is behind the end of the line
		mark[0] = len(shown)
	}
	return shown, [2]int{mark[0], max(mark[1], mark[0]+1)}
}

func (f *lined) maskAt(p int) (Span, bool) {
	i := sort.Search(len(f.masks), func(i int) bool { return f.masks[i].To > p })
	if i == len(f.masks) || p < f.masks[i].From {
		return Span{}, false
	}
	return f.masks[i], true
}

// isControl reports whether a character steers a terminal or reorders a line.
func isControl(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) || r == utf8.RuneError
}

// cutAround returns the part of a line around the place that matters, so that a
// generated line of megabytes does not fill the screen.
func cutAround(runes []rune, mark [2]int) (string, [2]int) {
	const before, most = 60, 160
	if len(runes) <= most {
		return string(runes), mark
	}
	from := max(0, min(mark[0]-before, len(runes)-most))
	to := min(len(runes), from+most)
	shift := from
	out := string(runes[from:to])
	if from > 0 { // the ellipsis takes one rune
		out, shift = "…"+out, from-1
	}
	if to < len(runes) {
		out += "…"
	}
	return out, [2]int{mark[0] - shift, min(mark[1]-shift, to-shift)}
}
