package hclfile

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/unicode/norm"

	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/source"
)

// sensitive marks what comes of credential, through every expression.
type mark string

const sensitive mark = "sensitive"

// env returns the function that gives a variable of an environment; nil: an empty one.
func env(lookup func(name string) (text string, isSet bool)) function.Function {
	return onText(func(name string) (string, error) {
		if lookup != nil {
			if text, isSet := lookup(name); isSet {
				return text, nil
			}
		}
		return "", &callError{ruleEnv, complaint{
			fmt.Sprintf("There is no environment variable %q. For one that may be missing write: try(env(%q), \"\")", name, name),
			"There is no environment variable of the name that is given here. For one that may be missing write: try(env(...), \"\")",
		}}
	})
}

// A reader gives expressions the functions that read what is named.
type reader struct {
	*diagnose.Findings // which keeps the secrets
	snapshot           *source.Snapshot
	inSecret           bool // an attribute that may hold a secret is being evaluated
	mayLack            bool // what is being evaluated is for sending, and this node sends nothing
	lacks              bool // a credential was missing that may be
}

// file reads a named file, from the directory of the file that names it.
func (r *reader) file(dir, path string) (string, error) {
	path = from(dir, path)
	if r.snapshot.IsCredential(path) {
		// What file gives is not marked as sensitive, and would be shown everywhere.
		return "", &callError{ruleCredential, complaint{
			fmt.Sprintf("%s is a secret. file() values can appear in output, so file() must not read secrets. Write\n    credential(%q)", path, filepath.Base(path)),
			"This file is a secret. file() values can appear in output, so file() must not read secrets. Use credential() with the name of the file.",
		}}
	}
	c := r.snapshot.Open(path, r.inSecret)
	if !c.IsUsable() {
		return "", &callError{ruleNamedFile, unusable(path, c)}
	}
	if name := source.OtherEncoding([]byte(c.Text.Reveal())); name != "" {
		return "", &callError{ruleNamedFile, inEncoding(path, name)}
	}
	return c.Text.Reveal(), nil
}

// inEncoding returns the complaint about a file that is not in UTF-8.
func inEncoding(path, name string) complaint {
	return complaintAbout(path, "is written in "+name+". Save it as plain text (UTF-8).")
}

func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func (r *reader) credentialFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := r.credential(args[0].AsString())
			return v.Mark(sensitive), err
		},
	})
}

// withheldFunction returns the function that stands for what was written in a file and
// is not kept.
func (r *reader) withheldFunction() function.Function {
	return function.New(&function.Spec{
		Type: function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			if r.snapshot.Options().NoCredentials {
				return cty.UnknownVal(cty.String), nil
			}
			return cty.UnknownVal(cty.String), refuse(ruleWithheld, "A secret was written here. Secrets are not saved with the last good configuration; those from credential() are read again.")
		},
	})
}

// missingCredential returns where a credential was looked for, and which name there is
// near.
func (r *reader) missingCredential(name, path string) complaint {
	full, blind := fmt.Sprintf("There is no credential %q: no file %s", name, path), "There is no credential of the name that is given here: no such file in "+filepath.Dir(path)
	if dir := r.snapshot.Options().CredentialsDirectory; dir != "" {
		besides := fmt.Sprintf(", nor one in $CREDENTIALS_DIRECTORY, %s", dir)
		full, blind = full+besides, blind+besides
	}
	var known []string
	entries, _ := os.ReadDir(filepath.Dir(path)) // no directory, no suggestion
	for _, e := range entries {
		known = append(known, e.Name())
	}
	return complaint{full + "." + cmp.Or(diagnose.OnlyNear(name, known), " "+access.Keeping(path)), blind + "."}
}

// credential reads a secret. One line end after it, as editors leave it, is
// not part of it.
func (r *reader) credential(name string) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	if !source.CredentialName.MatchString(name) {
		return none, refuse(ruleCredential, "credential() must be given the name of a file (letters, digits and . _ @ -), not a path and not the secret itself.")
	}
	if r.snapshot.Options().NoCredentials { // unknown, and taken on trust
		return none, nil
	}
	path := r.snapshot.CredentialPath(name)
	c := r.snapshot.OpenSecret(path)
	if c.Trusted { // as if no credentials were to be read
		return none, nil
	}
	switch text := withoutLineEnd(c.Text.Reveal()); {
	case c.Missing && r.mayLack: // unknown, as if no credentials were to be read
		r.lacks = true
		return none, nil
	case c.Missing:
		return none, &callError{ruleCredential, r.missingCredential(name, path)}
	case !c.IsUsable():
		return none, &callError{ruleCredential, unusable(path, c)}
	case c.Readable:
		return none, &callError{rulePublic, readable(path, c)}
	// As it is, it would be a password that nobody has.
	case source.OtherEncoding([]byte(text)) != "":
		return none, &callError{ruleCredential, inEncoding(path, source.OtherEncoding([]byte(text)))}
	case text == "":
		return none, &callError{ruleCredential, complaintAbout(path, "is empty.")}
	// cty normalises every text, so the password would not be the one in the file.
	case !norm.NFC.IsNormalString(text):
		return none, &callError{ruleCredential, complaintAbout(path, "has characters that are made of two, such as a letter and its accent, and would be changed by reading them. Write them as one (Unicode form NFC).")}
	default:
		r.KeepSecret(text)
		return cty.StringVal(text), nil
	}
}
