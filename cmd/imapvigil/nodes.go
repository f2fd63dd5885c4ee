package main

import "github.com/spf13/cobra"

func (p *program) nodesCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "nodes",
		Short: "List the nodes of a cluster, and set one up",
		Long: "List the nodes of a cluster: which of them live, which one decides, and how far\n" +
			"each has the journal that all share. A cluster is several machines that watch\n" +
			"together: each probes, and one of them decides for all. imapvigil-nodes(7) sets\n" +
			"one up step by step.",
		Example: examples(
			"Do all nodes live, and which one decides?", "imapvigil nodes",
			"On each node: make its key, and print the half that the files name", "sudo imapvigil nodes key",
			"Make what the NATS servers need, once the files have all nodes", "sudo imapvigil nodes bus-config --out /root/bus",
		),
		GroupID:     groupSetUp,
		Annotations: exitCodes("listed, or done", "not"),
	}
	onlyCommands(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error { return p.listNodes(cmd.Context(), p.client(cmd)) }
	c.AddCommand(p.nodesKeyCommand(), p.nodesBusConfigCommand(), p.nodesBeginCommand(), p.nodesStepDownCommand())
	p.jsonFlag(c)
	p.utcFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}
