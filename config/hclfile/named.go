package hclfile

import "github.com/imapvigil/imapvigil/config/source"

// about returns a complaint that begins with the path of a named file.
func about(path, text string) complaint {
	return complaint{path + " " + text, "The file that is named here " + text}
}

// unusable returns the complaint about a named file that could not be read or does not
// count.
func unusable(path string, c source.Content) complaint {
	switch {
	case c.Missing:
		return complaint{"There is no file " + path + ".", "The file that is named here does not exist."}
	case c.Writable:
		return complaint{
			path + " can be written by others. Take the permission away:\n    chmod o-w " + path,
			"The file that is named here can be written by others. Take the permission away (chmod o-w).",
		}
	}
	return complaint{path + ": " + c.Fault + ".", "The file that is named here cannot be read: " + c.Fault + "."}
}

// readable returns the complaint about a secret that others can read. Where chmod cannot
// help, whoever mounts the volume has to.
func readable(path string, c source.Content) complaint {
	if c.Fixed {
		const text = "can be read by others, so it is no secret, and it lies on a file system that is mounted read-only. Mount it with another mode; for a Kubernetes volume: defaultMode: 0400, or 0440 with an fsGroup."
		return about(path, text)
	}
	return complaint{
		path + " can be read by others, so it is no secret. Take the permission away:\n    chmod o= " + path,
		"The file that is named here can be read by others, so it is no secret. Take the permission away (chmod o=).",
	}
}
