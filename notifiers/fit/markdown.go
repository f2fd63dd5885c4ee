package fit

import (
	"regexp"
	"strings"
)

// Markdown returns a text for services that read Markdown, in which nothing is formatted and
// nobody is mentioned.
func Markdown(text string) string {
	text = Backslash(WithoutEmoji(Defang(text)), "\\`*_~#|>")
	// Brackets make a link only where their end has something behind it.
	return linkEnd.ReplaceAllString(text, `\]$1`)
}

// WithoutEmoji returns a text in which no ":name:" becomes a sign: many chats make one of it and
// have no way to escape it, so that the second colon becomes its wide form.
func WithoutEmoji(text string) string { return emoji.ReplaceAllString(text, "$1：") }

var (
	// A name has a letter, or is one of a few that have none: times have colons, too.
	emoji   = regexp.MustCompile(`(:(?:[0-9_+-]*[A-Za-z][A-Za-z0-9_+-]*|100|1234|[+-]1)):`)
	linkEnd = regexp.MustCompile(`\]([(\[:])`)
)

// MarkdownLink returns a URL as a link whose text is the URL itself.
func MarkdownLink(url string) string { return "<" + linkEscapes.Replace(url) + ">" }

var linkEscapes = strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "`", "%60", `\`, "%5C")

// Fence returns a text as a block of code, where nothing is markup but its end.
func Fence(text string) string {
	return "```\n" + strings.ReplaceAll(Defang(text), "`", "'") + "\n```"
}

// Code returns a text as code within a line.
func Code(text string) string { return "`" + strings.ReplaceAll(Defang(text), "`", "'") + "`" }
