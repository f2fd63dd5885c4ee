package sms

// Fill makes a request's body as a gateway of that content type gets it.
func Fill(contentType, body, to, text, key string) string {
	return template{body, encodingOf(contentType)}.fill(values{to: to, text: text, key: key})
}
