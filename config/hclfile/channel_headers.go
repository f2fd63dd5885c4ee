package hclfile

import "github.com/imapvigil/imapvigil/notifiers/httpdo"

// headers is an object of texts, kept as one secret: tokens stand there.
var headers = kind{name: "map of strings", read: func(r *reading) (value, bool) {
	ty := r.v.Type()
	// With NoCredentials all of the object may be unknown; it is taken on trust.
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
			r.l.KeepSecret(v.text) // each alone: a message would repeat one, not all of them
		}
	}
	r.warnOfHeaders()
	return value{secret: httpdo.JoinHeaders(all)}, ok
}}
