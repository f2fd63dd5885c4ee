package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/atomicfile"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

func (p *program) fmtCommand() *cobra.Command {
	var check, write bool
	c := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Format configuration files",
		Long: "Print the files as they should be formatted, or with --write change them.\n" +
			"PATH is a file, a directory, or - for standard input; without PATH, the\n" +
			"configuration is formatted.",
		Example: examples(
			"Format the configuration", "sudo imapvigil fmt --write",
			"In CI: is everything formatted?", "imapvigil fmt --check conf",
			"In an editor", "imapvigil fmt - <servers.hcl",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("formatted, or nothing to do", "`--check`: something would change; an error"),
		RunE: func(_ *cobra.Command, args []string) error {
			if check && write {
				return errors.New("use --check or --write, not both")
			}
			return p.format(args, check, write)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "list the files that are not formatted; exit with 1 if there are any")
	c.Flags().BoolVarP(&write, "write", "w", false, "change the files in place, and list those that changed")
	p.placeFlags(c, configFlag)
	return c
}

// unformatted is one file to format.
type unformatted struct {
	name string // as diagnostics call it
	path string // empty: standard input
	text []byte
}

// format prints or changes files, or names those that would change; its exit code is 1
// if there are any of these, or if one has errors.
func (p *program) format(paths []string, check, write bool) error {
	files, err := p.unformatted(paths)
	if err != nil {
		return err
	}
	var diags []config.Diagnostic
	changed := 0
	for _, f := range files {
		text, wrong := hclfile.Format(f.name, f.text)
		// What does not parse cannot be formatted, and is left as it is; the other files
		// are not.
		if diags = append(diags, wrong...); config.HasErrors(wrong) {
			continue
		}
		same := bytes.Equal(text, f.text)
		switch {
		// Standard input is no file that could be changed.
		case !check && (!write || f.path == ""):
			p.printf("%s", text)
		case same:
		case check:
			changed++
			p.printf("%s\n", f.name)
		default:
			if err := replaceFile(f.path, text); err != nil {
				return err
			}
			p.printf("%s\n", f.name)
		}
	}
	p.printDiagnostics(p.err, diags)
	if changed > 0 || config.HasErrors(diags) {
		return exit(1)
	}
	return nil
}

// unformatted reads what was named: files, the configuration files of a
// directory, or standard input. Nothing named means the configuration.
func (p *program) unformatted(paths []string) (files []unformatted, err error) {
	if len(paths) == 0 {
		paths = []string{p.configPath}
	}
	if len(paths) == 1 && paths[0] == "-" {
		text, err := io.ReadAll(p.in)
		// No path: standard input cannot be written back.
		return []unformatted{{name: "<standard input>", text: text}}, err
	}
	for _, path := range paths {
		names, err := p.formattable(path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			files = append(files, unformatted{name, name, text})
		}
	}
	return files, nil
}

// formattable returns the files that a path stands for: itself, or the files in HCL's
// own form that a daemon would read of a directory.
func (p *program) formattable(path string) (names []string, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && path == p.configPath:
		// What reads the configuration says what to type.
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file or directory %s", path)
	case err != nil:
		return nil, err
	case !info.IsDir() && strings.HasSuffix(path, ".json"):
		return nil, fmt.Errorf("%s is JSON; fmt formats only files in HCL's own form (*.hcl)", path)
	case !info.IsDir():
		return []string{path}, nil
	}
	s, err := p.readSnapshot(path, source.Options{NoCredentials: true})
	if err != nil {
		return nil, err
	}
	for _, f := range s.Files() {
		if !strings.HasSuffix(f.Name, ".json") {
			names = append(names, f.Name)
		}
	}
	return names, nil
}

// replaceFile replaces a file in one step, so that a daemon which watches it
// never reads half of it. Owner and permissions stay, and so does a link: what it
// leads to is replaced.
func replaceFile(path string, text []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, text, func(f *os.File) error { return copyOwnership(f, info) })
}

// copyOwnership gives a file the owner and the permissions of another. The daemon is not
// the user who edits its files, and must be able to read them.
func copyOwnership(f *os.File, other fs.FileInfo) error {
	stat, ok := other.Sys().(*syscall.Stat_t)
	// chown(2) may need privileges, so it is only called where it changes something.
	if ok && (int(stat.Uid) != os.Geteuid() || int(stat.Gid) != os.Getegid()) {
		if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	return f.Chmod(other.Mode().Perm())
}
