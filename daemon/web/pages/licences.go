package pages

import (
	"encoding/json"
	"path"
	"strings"
)

// Licences returns the licences of the scripts of others that the pages contain, each under the
// name and the version of its script.
func Licences() string {
	const folder = "assets/vendor"
	var text strings.Builder
	entries, _ := assetFiles.ReadDir(folder) // a part of the program
	for _, e := range entries {
		manifest, _ := assetFiles.ReadFile(path.Join(folder, e.Name(), "vendor.json"))
		licence, _ := assetFiles.ReadFile(path.Join(folder, e.Name(), "LICENSE"))
		var about struct{ Name, Version, Licence, Source string }
		_ = json.Unmarshal(manifest, &about) // a test reads it, too
		text.WriteString(about.Name + " " + about.Version + " (" + about.Licence + "), " + about.Source + "\n\n" + string(licence))
	}
	return text.String()
}
