package main

import "github.com/spf13/cobra"

func (p *program) nodesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "nodes",
		Short: "Set up several machines that watch together",
		Long: "Set up several machines that watch together: each probes, and one of them decides\n" +
			"for all. imapvigil-nodes(7) has it step by step.",
		Example: examples(
			"On each node: make its key, and print the half that the files name", "sudo imapvigil nodes key",
			"Make what the NATS servers need, once the files have all nodes", "sudo imapvigil nodes bus-config --out /root/bus",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("done", "not done"),
	}
	onlyCommands(c)
	c.AddCommand(p.nodesKeyCommand(), p.nodesBusConfigCommand(), p.nodesBeginCommand())
	return c
}
