package pages

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"unicode"

	"github.com/imapvigil/imapvigil/config/opaque"
)

// A badge is a small picture that says one thing of a check or a group.
type badge struct {
	Label, Message string
	State          shownState
}

// badgeColours are those of the style sheet for text on a light ground, which white text can be
// read on. A picture cannot ask the page for them.
var badgeColours = map[shownState]string{
	"ok": "#17784a", "recovering": "#17784a", "down": "#c0261d", "degraded": "#8a5300", "failing": "#8a5300",
	"unknown": "#5f6570", "paused": "#5f6570", "maintenance": "#2a659f", noState: "#5f6570",
}

var badgePicture = template.Must(template.New("badge").Parse(
	`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" viewBox="0 0 {{.Width}} 20" role="img" aria-label="{{.Title}}">
<title>{{.Title}}</title>
<path fill="#3d434d" d="M4 0H{{.Left}}V20H4A4 4 0 0 1 0 16V4A4 4 0 0 1 4 0Z"/><path fill="{{.Colour}}" d="M{{.Left}} 0H{{.Turn}}A4 4 0 0 1 {{.Width}} 4V16A4 4 0 0 1 {{.Turn}} 20H{{.Left}}Z"/>
<g fill="#fff" font-family="system-ui,-apple-system,'Segoe UI',Verdana,'DejaVu Sans',sans-serif" font-size="11"><text x="8" y="14" textLength="{{.LabelWidth}}" lengthAdjust="spacingAndGlyphs">{{.Label}}</text><text x="{{.At}}" y="14" font-weight="600" textLength="{{.MessageWidth}}" lengthAdjust="spacingAndGlyphs">{{.Message}}</text></g>
</svg>
`))

// mostBadge bounds the label of a picture that is small.
const mostBadge = 64

// writeSVG answers a badge as a picture; public: any site may show it.
func (b badge) writeSVG(w http.ResponseWriter, r *http.Request, public bool) {
	b.Label = opaque.Bounded(b.Label, mostBadge)
	label, message := textWidth(b.Label), textWidth(b.Message)
	const pad = 8
	var out strings.Builder
	err := badgePicture.Execute(&out, map[string]any{
		"Title": b.Label + ": " + b.Message, "Label": b.Label, "Message": b.Message, "LabelWidth": label, "MessageWidth": message,
		"Left": label + 2*pad, "At": label + 3*pad, "Turn": label + message + 4*pad - 4, "Width": label + message + 4*pad, "Colour": badgeColours[b.State],
	})
	if err != nil {
		http.Error(w, "the badge could not be made", http.StatusInternalServerError)
		return
	}
	writeKept(w, r, "image/svg+xml", []byte(out.String()), public)
}

// writeJSON answers a badge in the form of an endpoint of shields.io.
func (b badge) writeJSON(w http.ResponseWriter, r *http.Request, public bool) {
	out, err := json.Marshal(struct {
		SchemaVersion int    `json:"schemaVersion"`
		Label         string `json:"label"`
		Message       string `json:"message"`
		Color         string `json:"color"`
		IsError       bool   `json:"isError,omitempty"`
		CacheSeconds  int    `json:"cacheSeconds"`
	}{1, b.Label, b.Message, badgeColours[b.State], b.State == "down", keptSeconds})
	if err != nil {
		http.Error(w, "the badge could not be made", http.StatusInternalServerError)
		return
	}
	writeKept(w, r, "application/json", append(out, '\n'), public)
}

// textWidth returns about how many pixels a text has in a sans-serif face of 11 px. The picture
// makes the text just that wide, so that an error makes it tight or loose, and never cuts it.
func textWidth(text string) (width int) {
	tenths := 0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Mn, r):
		case strings.ContainsRune("iljtfI.,:;'|!()[] ", r):
			tenths += 38
		case strings.ContainsRune("mwMW%@", r):
			tenths += 95
		case unicode.IsUpper(r):
			tenths += 76
		case r > 0x2e80: // scripts of the East are about as wide as high
			tenths += 110
		default:
			tenths += 65
		}
	}
	return max(1, (tenths+9)/10)
}

// keptSeconds is how long others may show a badge, a feed or a calendar again.
const keptSeconds = 60

// writeKept answers something that others may keep for a minute, and not again to whoever has it.
// What is public may be shown on any site; the rest is for whoever asked.
func writeKept(w http.ResponseWriter, r *http.Request, kind string, body []byte, public bool) {
	h, sum := w.Header(), sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	scope := "private"
	if public {
		scope = "public"
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	h.Set("Cache-Control", fmt.Sprintf("%s, max-age=%d", scope, keptSeconds))
	h.Set("ETag", tag)
	h.Set("Content-Type", kind)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) { // maybe marked as weak by a proxy that compresses
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body) // the client has gone when this fails
}
