package main

import "github.com/spf13/cobra"

// loadCompletion is how a shell reads the completions.
var loadCompletion = map[string]string{
	"bash": "source <(imapvigil completion bash)", "zsh": "source <(imapvigil completion zsh)",
	"fish": "imapvigil completion fish | source", "powershell": "imapvigil completion powershell | Out-String | Invoke-Expression",
}

// addCompletion adds cobra's command that prints the completions of a shell, with help of
// the same form as the other commands have.
func (p *program) addCompletion(root *cobra.Command) {
	root.SetCompletionCommandGroupID(groupSetUp)
	root.SetOut(p.out) // where the completions go is settled now
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print the completions of a shell; the packages install them"
		c.Long = c.Short + "."
		c.Example = examples(
			"For this shell", "source <(imapvigil completion bash)",
			"For every new one", "imapvigil completion fish >~/.config/fish/completions/imapvigil.fish",
		)
		c.Annotations = exitCodes("printed", "an error")
		onlyCommands(c)
		for _, shell := range c.Commands() {
			shell.Short, shell.Long = "Print the completions of "+shell.Name(), ""
			shell.Args = noArguments
			shell.Example = examples("For this shell", loadCompletion[shell.Name()])
		}
	}
}
