package main

import "github.com/spf13/cobra"

func (p *program) nodesBeginCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "begin",
		Short: "Make the journal that all nodes share, once",
		Long: "Make the journal that all nodes share on the NATS servers. It begins with the\n" +
			"incidents of this node that are over, and its silences; what is open is handed\n" +
			"over to the node that decides then. Do this once, on one node, when the daemons\n" +
			"run on all of them: until then nobody decides for all, and each node decides\n" +
			"alone. A journal that is there already is not touched. Where the servers have\n" +
			"lost it, this puts back what the node's copy of it holds.",
		Example: examples(
			"On the node that watched alone before, or on any that may decide", "sudo imapvigil nodes begin",
			"After it: one of the nodes decides", "imapvigil nodes",
		),
		Annotations: exitCodes("the journal is made", "not made: there is one already, or why not"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			begun, err := p.client(cmd).BeginNodes(cmd.Context())
			if err != nil {
				return err
			}
			if p.json {
				return p.printJSON(begun)
			}
			p.printf("The journal that all nodes share is made; it begins with %s of this node.\n",
				plural(begun.Records, "record"))
			p.printf("Within ten seconds one of the nodes decides: see imapvigil nodes.\n")
			return nil
		},
	}
	p.jsonFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}
