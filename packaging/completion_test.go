//go:build systemd

package packaging_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletions presses the tab key in each shell, with the program and the
// completions of the package: after "status" come the checks of the files.
func TestCompletions(t *testing.T) {
	dir := thisProgram(t)
	config, err := filepath.Abs("../examples/quickstart.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, shell := range []struct{ name, file, script string }{
		{"bash", "usr/share/bash-completion/completions/imapvigil", `
			. /usr/share/bash-completion/bash_completion
			. "$FILE"
			COMP_WORDS=(imapvigil status --config "$CONFIG" "") COMP_CWORD=4
			COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
			compopt() { :; } # bash has it while it completes only
			__start_imapvigil
			printf '%s\n' "${COMPREPLY[@]}"`},
		{"fish", "usr/share/fish/vendor_completions.d/imapvigil.fish", `
			source $FILE
			complete --do-complete "imapvigil status --config $CONFIG "`},
		{"zsh", "usr/share/zsh/vendor-completions/_imapvigil", `
			compdef() { }
			_describe() { local -a offered; offered=("${(@P)2}"); print -rl -- $offered }
			. $FILE
			words=(imapvigil status --config $CONFIG "") CURRENT=5
			_imapvigil`},
	} {
		t.Run(shell.name, func(t *testing.T) {
			said := output(t, "env", "PATH="+filepath.Join(dir, "usr/bin")+":/usr/bin:/bin", "HOME="+t.TempDir(),
				"FILE="+filepath.Join(dir, shell.file), "CONFIG="+config, shell.name, "-c", shell.script)
			if got := strings.Fields(said); !slices.Equal(got, []string{"mx1/imaps", "mx1/starttls"}) {
				t.Errorf("it offers %q", got)
			}
		})
	}
}
