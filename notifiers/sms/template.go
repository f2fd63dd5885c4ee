package sms

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"mime"
	"net/url"
	"regexp"
	"strings"
)

// values are what a template may name.
type values struct{ to, text, from, key string }

// A template is text with {to}, {text}, {from} and {key} in it. Other braces
// stay as they are, and so do braces in a value.
type template struct {
	text     string
	encoding encoding
}

// An encoding is how a value is written so that it stays inside its place.
type encoding int

const (
	asIs encoding = iota
	inURL
	inForm
	inJSON
	inXML
)

// encodingOf chooses by the media type of a body.
func encodingOf(contentType string) encoding {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return asIs
	case media == formType:
		return inForm
	case media == "application/json", strings.HasSuffix(media, "+json"):
		return inJSON
	case media == "application/xml", media == "text/xml", strings.HasSuffix(media, "+xml"):
		return inXML
	}
	return asIs
}

func (t template) has(name string) bool { return strings.Contains(t.text, name) }

// fill replaces all names in one pass.
func (t template) fill(v values) string {
	// A Replacer never looks at what it has put in: "{key}" in a message stays as it is.
	e := t.encoding
	return strings.NewReplacer(
		"{to}", e.encode(v.to), "{text}", e.encode(v.text), "{from}", e.encode(v.from), "{key}", e.encode(v.key),
	).Replace(t.text)
}

func (e encoding) encode(value string) string {
	switch e {
	case inURL: // a space that is right in a path as well as in a query
		return strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	case inForm:
		return url.QueryEscape(value)
	case inJSON: // without the quotes, which the template has
		quoted, err := json.Marshal(value)
		if err != nil {
			panic(err) // a string can be written
		}
		return string(quoted[1 : len(quoted)-1])
	case inXML:
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(value)) // a Builder takes all
		return b.String()
	case asIs:
	}
	return value
}

// validate says what is wrong with a filled body; it cannot tell for XML and for types
// that it does not know.
func (t template) validate(filled string) error {
	switch t.encoding {
	case inJSON:
		if !json.Valid([]byte(filled)) {
			return errors.New(`it is not JSON once filled in: put each placeholder in quotes, like "text": "{text}"`)
		}
	case inForm:
		if _, err := url.ParseQuery(filled); err != nil {
			return errors.New("it is not a form: write it like to={to}&text={text}")
		}
	case asIs, inURL, inXML:
	}
	return nil
}

// secrets returns the template's own values, which a gateway might send back. Names of
// fields are none.
func (t template) secrets() []string {
	switch t.encoding {
	case inJSON:
		return t.jsonSecrets()
	case inForm:
		// Who writes JSON may have left out the header that says so.
		if strings.HasPrefix(strings.TrimSpace(t.text), "{") {
			return append(t.formSecrets(), t.jsonSecrets()...)
		}
		return t.formSecrets()
	case asIs, inURL, inXML:
	}
	return longWords.FindAllString(t.text, -1)
}

// longWords is for types that are not taken apart.
var longWords = regexp.MustCompile(`[^\s"'<>{}&=,;]{8,}`)

// formSecrets returns the values of a form that have no placeholder, decoded and
// encoded.
func (t template) formSecrets() (secrets []string) {
	form, err := url.ParseQuery(t.text)
	if err != nil {
		return nil
	}
	for _, values := range form {
		for _, value := range values {
			// With a placeholder it is the message or its recipient, and no secret.
			if !placeholder.MatchString(value) {
				secrets = append(secrets, value, url.QueryEscape(value))
			}
		}
	}
	return secrets
}

var placeholder = regexp.MustCompile(`\{(to|text|from|key)\}`)

// jsonSecrets returns the strings of a JSON body that have no placeholder, plain and as
// JSON writes them.
func (t template) jsonSecrets() (secrets []string) {
	var body any
	if err := json.Unmarshal([]byte(t.text), &body); err != nil {
		return longWords.FindAllString(t.text, -1) // a placeholder without quotes
	}
	var walk func(value any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			for _, v := range value {
				walk(v)
			}
		case []any:
			for _, v := range value {
				walk(v)
			}
		case string:
			if !placeholder.MatchString(value) {
				secrets = append(secrets, value, inJSON.encode(value))
			}
		}
	}
	walk(body)
	return secrets
}
