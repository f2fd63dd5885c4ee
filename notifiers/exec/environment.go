package exec

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/imapvigil/imapvigil/notifiers"
)

const ownPrefix = "IMAPVIGIL_"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkEnvironment returns what is wrong with the attribute env, without a value.
func checkEnvironment(own map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(own)) {
		switch {
		case !variableName.MatchString(name):
			return fmt.Errorf("%q is not the name of a variable: letters, digits and _", name)
		case strings.HasPrefix(name, ownPrefix):
			return fmt.Errorf("%s is set by imapvigil itself, as all that begins with %s", name, ownPrefix)
		case strings.ContainsRune(own[name], 0):
			return errors.New("the value of " + name + " has a zero byte in it")
		}
	}
	return nil
}

// environment returns the variables of a run. Nothing of the daemon's own is among them: it
// holds paths of credentials, and the sockets of the service manager.
func environment(own map[string]string, m notifiers.Message, values map[string]string) (list []string) {
	zone := "UTC"
	if m.Zone != nil && m.Zone.String() != "Local" {
		zone = m.Zone.String()
	}
	all := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG": "C.UTF-8", "TZ": zone, "HOME": "/nonexistent",
	}
	maps.Copy(all, own)
	for name, value := range map[string]string{
		"TYPE": values["{type}"], "KEY": oneLine(m.Key), "INCIDENT": values["{incident}"], "CHECK": values["{check}"],
		"SEVERITY": values["{severity}"], "URL": values["{url}"],
	} {
		all[ownPrefix+name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

// formsOf returns the values of env, which may be secrets, in the forms in which a program may
// write them.
func formsOf(own map[string]string) (forms []string) {
	for _, value := range own {
		quoted, _ := json.Marshal(value) // a string can be written
		forms = append(forms, value, strings.TrimSpace(value), url.QueryEscape(value), url.PathEscape(value), html.EscapeString(value),
			string(quoted[1:len(quoted)-1]), base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)))
	}
	return forms
}
