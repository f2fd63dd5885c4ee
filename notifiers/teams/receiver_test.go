package teams_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers/notifiertest/httpsink"
)

// workflows answers as the trigger of a workflow does: 202 and an empty body for a card that
// Teams can show, 400 for anything else.
func workflows(r httpsink.Request) httpsink.Response {
	if err := checkRequest(r); err != nil {
		return httpsink.Response{Status: http.StatusBadRequest, Body: `{"error":{"code":"TriggerInputSchemaMismatch","message":` + quote(err.Error()) + `}}`}
	}
	return httpsink.Response{Status: http.StatusAccepted, Header: http.Header{"X-Ms-Workflow-Run-Id": {"08584387641234567890CU07"}}}
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

func checkRequest(r httpsink.Request) error {
	var sent struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     map[string]any
		}
	}
	// What Teams counts is more than what was sent: 28,897 bytes for 24,453.
	counted := len(r.Body) * 28_897 / 24_453
	switch err := json.Unmarshal(r.Body, &sent); {
	case r.Method != http.MethodPost, r.Header.Get("Content-Type") != "application/json":
		return fmt.Errorf("%s of %q", r.Method, r.Header.Get("Content-Type"))
	case err != nil:
		return err
	case counted > 28<<10:
		return fmt.Errorf("%d bytes are too many", counted)
	case sent.Type != "message", len(sent.Attachments) != 1, sent.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive":
		return fmt.Errorf("it is no message with a card")
	}
	card := sent.Attachments[0].Content
	if card["type"] != "AdaptiveCard" || card["version"] != "1.2" {
		return fmt.Errorf("%v %v is no card", card["type"], card["version"])
	}
	if err := checkElement(card, "AdaptiveCard"); err != nil {
		return err
	}
	return checkMentions(card)
}

// A property is one of an element, and which values it may have: nil for any text that is not
// empty, or those of an enumeration.
type property struct {
	required bool
	values   []string
	elements []string // a list of these types, not empty
	check    func(any) bool
}

var (
	text      = property{required: true}
	flag      = property{check: func(v any) bool { _, ok := v.(bool); return ok }}
	anything  = property{check: func(any) bool { return true }}
	size      = property{values: []string{"default", "small", "medium", "large", "extraLarge"}}
	weight    = property{values: []string{"default", "lighter", "bolder"}}
	colour    = property{values: []string{"default", "dark", "light", "accent", "good", "warning", "attention"}}
	font      = property{values: []string{"default", "monospace"}}
	spacing   = property{values: []string{"default", "none", "small", "medium", "large", "extraLarge", "padding"}}
	style     = property{values: []string{"default", "emphasis", "good", "attention", "warning", "accent"}}
	shown     = []string{"TextBlock", "RichTextBlock", "Container", "ActionSet"}
	webURL    = property{required: true, check: isWebURL}
	textStyle = map[string]property{"size": size, "weight": weight, "color": colour, "fontType": font, "isSubtle": flag}
)

// schema are the elements of Adaptive Cards 1.2 that Teams shows, of those that a monitor needs
// (adaptivecards.io/explorer).
var schema = map[string]map[string]property{
	"AdaptiveCard": {
		"$schema": {}, "version": text, "msteams": anything,
		"body": {required: true, elements: shown}, "actions": {elements: []string{"Action.OpenUrl"}},
	},
	"TextBlock":      with(textStyle, map[string]property{"text": text, "wrap": flag, "spacing": spacing, "separator": flag}),
	"RichTextBlock":  {"inlines": {required: true, elements: []string{"TextRun"}}, "spacing": spacing, "separator": flag},
	"TextRun":        with(textStyle, map[string]property{"text": text}),
	"Container":      {"items": {required: true, elements: shown}, "style": style, "spacing": spacing, "separator": flag},
	"ActionSet":      {"actions": {required: true, elements: []string{"Action.OpenUrl"}}, "spacing": spacing, "separator": flag},
	"Action.OpenUrl": {"title": {}, "url": webURL},
}

func with(some, more map[string]property) map[string]property {
	all := map[string]property{}
	for _, properties := range []map[string]property{some, more} {
		for name, p := range properties {
			all[name] = p
		}
	}
	return all
}

func isWebURL(v any) bool {
	text, _ := v.(string)
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// checkElement holds an element to the schema: it refuses what a property must not be, and
// properties that it does not know.
func checkElement(element map[string]any, kind string) error {
	known := schema[kind]
	for name, p := range known {
		if _, has := element[name]; p.required && !has {
			return fmt.Errorf("%s has no %s", kind, name)
		}
	}
	for name, v := range element {
		p, ok := known[name]
		if name == "type" && v == kind {
			continue
		}
		if !ok {
			return fmt.Errorf("%s has %s", kind, name)
		}
		if err := checkProperty(p, v); err != nil {
			return fmt.Errorf("%s.%s: %w", kind, name, err)
		}
	}
	return nil
}

func checkProperty(p property, v any) error {
	text, isText := v.(string)
	switch {
	case p.elements != nil:
		return checkList(v, p.elements)
	case p.check != nil:
		if !p.check(v) {
			return fmt.Errorf("it is %v", v)
		}
	case !isText || text == "", p.values != nil && !slices.Contains(p.values, text):
		return fmt.Errorf("it is %q", v)
	}
	return nil
}

func checkList(v any, kinds []string) error {
	list, _ := v.([]any)
	if len(list) == 0 {
		return fmt.Errorf("it is no list, or an empty one")
	}
	for _, v := range list {
		element, _ := v.(map[string]any)
		kind, _ := element["type"].(string)
		if !slices.Contains(kinds, kind) {
			return fmt.Errorf("a %q is not shown there", kind)
		}
		if err := checkElement(element, kind); err != nil {
			return err
		}
	}
	return nil
}

// A teamsOnly is what a card holds for Teams alone.
type teamsOnly struct {
	Entities []struct {
		Type, Text string
		Mentioned  struct{ ID, Name string }
	}
	Width string
}

func teamsPart(card map[string]any) (part teamsOnly, err error) {
	raw, err := json.Marshal(card["msteams"])
	if err != nil {
		return part, err
	}
	return part, json.Unmarshal(raw, &part)
}

// calls returns the ids of those whom a card mentions.
func calls(card map[string]any) string {
	part, err := teamsPart(card)
	if err != nil {
		panic(err)
	}
	var ids []string
	for _, e := range part.Entities {
		ids = append(ids, e.Mentioned.ID)
	}
	return strings.Join(ids, " ")
}

var at = regexp.MustCompile(`<at>.*?</at>`)

// checkMentions refuses a mention whose text is nowhere in the card, as Teams does, and a text
// that looks like a mention and is none.
func checkMentions(card map[string]any) error {
	part, err := teamsPart(card)
	if err != nil || part.Width != "full" {
		return fmt.Errorf("msteams is %v, %w", card["msteams"], err)
	}
	blocks := strings.Join(textsOf(card, "TextBlock"), "\n")
	declared := []string{}
	for _, e := range part.Entities {
		if e.Type != "mention" || e.Mentioned.ID == "" || e.Text != "<at>"+e.Mentioned.Name+"</at>" || !strings.Contains(blocks, e.Text) {
			return fmt.Errorf("a mention of %+v", e)
		}
		declared = append(declared, e.Text)
	}
	for _, found := range at.FindAllString(blocks, -1) {
		if !slices.Contains(declared, found) {
			return fmt.Errorf("%s is no mention", found)
		}
	}
	return nil
}

// textsOf returns the texts of all elements of a kind in the order in which they are shown.
func textsOf(element map[string]any, kinds ...string) (texts []string) {
	kind, _ := element["type"].(string)
	if words, ok := element["text"].(string); ok && slices.Contains(kinds, kind) {
		texts = append(texts, words)
	}
	if words, ok := element["title"].(string); ok && slices.Contains(kinds, kind) {
		texts = append(texts, words+" "+element["url"].(string))
	}
	for _, name := range []string{"body", "items", "inlines", "actions"} {
		list, _ := element[name].([]any)
		for _, v := range list {
			inner, _ := v.(map[string]any)
			texts = append(texts, textsOf(inner, kinds...)...)
		}
	}
	return texts
}
