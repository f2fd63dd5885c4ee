// Package examples holds what people copy from. Its tests load every example,
// and hold the reference against the language.
package examples
