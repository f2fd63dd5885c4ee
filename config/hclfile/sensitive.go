package hclfile

import "github.com/zclconf/go-cty/cty"

// sensitive marks what comes of credential, through every expression.
type mark string

const sensitive mark = "sensitive"

// keepSecrets remembers every text in a value.
func (l *loader) keepSecrets(v cty.Value) {
	for _, text := range textsIn(v) {
		l.KeepSecret(text)
	}
}
