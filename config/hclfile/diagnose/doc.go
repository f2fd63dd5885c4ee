// Package diagnose says what is wrong with configuration files, in words that help and
// hold no secret. It keeps the [Findings], shows the line that each is about with what
// may be a secret masked ([Vocabulary.Masks]), and finds what was probably meant
// ([Nearest], [DidYouMean]).
// What hcl itself says is recognised here alone ([MeaningOf]).
//
// It knows how files in HCL are written, and of this language only its words.
package diagnose
