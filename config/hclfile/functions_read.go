package hclfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"golang.org/x/text/unicode/norm"
)

func env(name string) (string, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return "", refuse(ruleEnv, "There is no environment variable %q. For one that may be missing write: try(env(%q), \"\")", name, name)
	}
	return text, nil
}

// file reads a named file, from the directory of the file that names it.
func (l *loader) file(dir, path string) (string, error) {
	path = from(dir, path)
	if l.snapshot.isCredential(path) {
		return "", refuse(ruleCredential, "%s is a secret, and what file gives is shown. Write\n    credential(%q)", path, filepath.Base(path))
	}
	c := l.snapshot.open(path, false)
	if c.refused != "" {
		return "", refuse(ruleNamedFile, "%s", c.refused)
	}
	return c.text.Reveal(), nil
}

func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

func (l *loader) credentialFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := l.credential(args[0].AsString())
			return v.Mark(sensitive), err
		},
	})
}

// missingCredential says where a credential was looked for, and what is there.
func (l *loader) missingCredential(name, path string) string {
	text := fmt.Sprintf("There is no credential %q: no file %s", name, path)
	if dir := l.snapshot.options.CredentialsDirectory; dir != "" {
		text += fmt.Sprintf(", nor one in $CREDENTIALS_DIRECTORY, %s", dir)
	}
	var known []string
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		known = append(known, e.Name())
	}
	return text + "." + onlyNear(name, known)
}

// credential reads a secret. One line end after it, as editors leave it, is
// not part of it.
func (l *loader) credential(name string) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	if !credentialName.MatchString(name) {
		return none, refuse(ruleCredential, "credential takes the name of a file, not a path and not the secret itself: letters, digits and . _ @ - only.")
	}
	if l.snapshot.options.NoCredentials {
		return none, nil
	}
	path := l.snapshot.credentialPath(name)
	c := l.snapshot.open(path, true)
	switch text := strings.TrimSuffix(strings.TrimSuffix(c.text.Reveal(), "\n"), "\r"); {
	case c.missing:
		return none, refuse(ruleCredential, "%s", l.missingCredential(name, path))
	case c.refused != "":
		return none, refuse(ruleCredential, "%s", c.refused)
	case c.public:
		return none, refuse(rulePublic, "%s can be read by others, so it is no secret. Take the permission away:\n    chmod o= %s", path, path)
	case text == "":
		return none, refuse(ruleCredential, "%s is empty.", path)
	case !norm.NFC.IsNormalString(text):
		return none, refuse(ruleCredential, "%s has characters that are made of two, such as a letter and its accent, and would be changed by reading them. Write them as one (Unicode form NFC).", path)
	default:
		l.keepSecret(text)
		return cty.StringVal(text), nil
	}
}
