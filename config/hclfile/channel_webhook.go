package hclfile

import (
	"github.com/imapvigil/imapvigil/notifiers"
	"github.com/imapvigil/imapvigil/notifiers/httpdo"
	"github.com/imapvigil/imapvigil/notifiers/webhook"
)

var webhookChannel = newChannel(channel{kind: notifiers.Webhook}, "An HTTP request for other programs, signed as Standard Webhooks says",
	table[webhook.Settings]{
		{
			attribute{name: "url", kind: secretURL, required: true, secret: true, doc: "Where to post; http only to this machine itself"},
			func(s *webhook.Settings, v value) { s.URL = v.secret },
		},
		{
			attribute{name: "secret", kind: secret, secret: true, fallback: "not signed", doc: "The key that signs, as text or as whsec_ and base64"},
			func(s *webhook.Settings, v value) { s.Secret = v.secret },
		},
		{
			attribute{name: "headers", kind: headers, secret: true, doc: "Further headers of the request"},
			func(s *webhook.Settings, v value) { s.Headers = v.secret },
		},
		{
			attribute{name: "ca_file", kind: authorityFile, fallback: "the system's roots", doc: "The authorities to trust instead, in PEM"},
			func(s *webhook.Settings, v value) { s.CA = v.text },
		},
	}, webhook.Settings{},
	table[struct{}]{},
	func(struct{}) ([]notifiers.Target, error) { return []notifiers.Target{webhook.Target{}}, nil })

// headers is an object of texts, kept as one secret: tokens stand there.
var headers = kind{name: "map of strings", read: func(r *reading) (value, bool) {
	ty := r.v.Type()
	if !r.v.IsKnown() {
		return value{}, true
	}
	if !ty.IsObjectType() && !ty.IsMapType() {
		return r.wrong(ruleType, "%s is written { name = \"value\" }, and this is %s.", r.attr.name, describe(r.v))
	}
	all, ok := map[string]string{}, true
	for name, element := range r.v.AsValueMap() {
		inner := *r
		inner.v = element
		inner.unread = !element.IsKnown()
		v, good := inner.str()
		all[name], ok = v.text, ok && good
		if good {
			r.l.keepSecret(v.text)
		}
	}
	r.warnOfHeaders()
	return value{secret: httpdo.JoinHeaders(all)}, ok
}}
