package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/daemon/api"
)

// listNodes prints the nodes as the daemon of this machine knows them.
func (p *program) listNodes(ctx context.Context, client *api.Client) error {
	nodes, err := client.Nodes(ctx)
	if err != nil {
		return err
	}
	return p.printNodes(nodes)
}

func (p *program) printNodes(nodes api.Nodes) error {
	if p.json {
		return p.printJSON(nodes)
	}
	p.printf("%s\n", p.fold("", whoDecides(nodes.Node)))
	if !slices.ContainsFunc(nodes.Nodes, func(n api.NodeState) bool { return n.Name == nodes.Node.Name }) {
		p.printf("%s\n", p.fold("", fmt.Sprintf("The files have no node %q, so what it sees does not "+
			"count: see imapvigil validate and imapvigil status.", nodes.Node.Name)))
	}
	rows := [][]string{{"NODE", "LOCATION", "IS", "CHECKS", "JOURNAL", "FILES", "VERSION"}}
	for _, n := range nodes.Nodes {
		rows = append(rows, []string{
			n.Name, n.Location, nodeState(nodes, n), unlessSilent(n, strconv.Itoa(n.Share)),
			unlessSilent(n, journalPlace(n)), unlessSilent(n, filesWord(n)), cmp.Or(n.Version, "-"),
		})
	}
	p.printTable("", []column{{}, {rank: 1}, {}, {right: true, rank: 3}, {rank: 2}, {rank: 4}, {rank: 5}}, rows)
	p.printf("\n%s\n", p.fold("", busLine(nodes.Bus)))
	for _, sentence := range nodes.Bus.Ending {
		p.printf("%s\n", p.fold("", sentence))
	}
	if nodes.JournalError != "" {
		p.printf("%s\n", p.fold("", nodes.JournalError))
	}
	gap := "\n"
	for _, n := range nodes.Nodes {
		for _, trouble := range nodeTroubles(p, n) {
			p.printf("%s%s\n", gap, foldHangingTo(screenWidth, "  - ", "    ", n.Name+": "+trouble))
			gap = ""
		}
	}
	return nil
}

// whoDecides says which node answers, and which decides.
func whoDecides(n api.Node) string {
	switch {
	case n.Role == api.Alone:
		return n.Name + " answers. It is alone: it reaches no node that decides, and decides for itself."
	case n.Decider == n.Name:
		return n.Name + " answers. It decides for all nodes."
	case n.Decider == "":
		return n.Name + " answers. It reaches no node that decides."
	}
	return fmt.Sprintf("%s answers. It follows %s, which decides for all nodes.", n.Name, n.Decider)
}

// nodeState returns the word for the state of a node, such as deciding or silent. The node that answers knows
// whether it is alone itself. One that may not decide knows of the others what the node that decides says.
func nodeState(nodes api.Nodes, n api.NodeState) string {
	switch {
	case n.Name == nodes.Node.Name && nodes.Node.Role == api.Alone:
		return "alone"
	case n.Deciding:
		return "deciding"
	case n.Live && n.Decides && nodes.Node.Decider == "":
		return "live" // it may be alone, which the one that answers does not know
	case n.Live && n.Decides:
		return "following"
	case n.Live:
		return "probing only"
	case n.Since == nil && !hearsHeartbeats(nodes) && nodes.Node.Decider == "":
		return "not known"
	case n.Since == nil && hearsHeartbeats(nodes):
		return "never heard"
	}
	return "silent"
}

// hearsHeartbeats reports whether the node that answers hears the others itself, which those do that may decide.
func hearsHeartbeats(nodes api.Nodes) bool {
	return slices.ContainsFunc(nodes.Nodes, func(n api.NodeState) bool { return n.Name == nodes.Node.Name && n.Decides })
}

// unlessSilent returns what a node said of itself; of one that is silent it may no longer be so, and what another
// one says is not heard by a node that may not decide.
func unlessSilent(n api.NodeState, text string) string {
	if n.Live && n.Speaks > 0 {
		return text
	}
	return "-"
}

// journalPlace says how far the copy of the shared journal goes.
func journalPlace(n api.NodeState) string {
	if n.Behind > 0 {
		return fmt.Sprintf("%d, %d behind", n.Place, n.Behind)
	}
	return strconv.FormatUint(n.Place, 10)
}

func filesWord(n api.NodeState) string {
	switch {
	case n.Digest == "":
		return "-"
	case n.SameFiles:
		return "same"
	}
	return "other"
}

func busLine(b api.Bus) string {
	if !b.Connected {
		return "Not connected to the bus: " + cmp.Or(strings.TrimSuffix(b.Error, "."), "no server has answered yet") + "."
	}
	text := "Connected to the bus at " + b.Server
	if b.RoundTripMS != nil {
		text += fmt.Sprintf(", %.1f ms there and back", *b.RoundTripMS)
	}
	return text + "."
}

// clockOffMost is by how many milliseconds the clock of a node may differ: with more it does not decide.
const clockOffMost = 2000

// nodeTroubles returns a sentence for each thing that is wrong with a node.
func nodeTroubles(p *program, n api.NodeState) (list []string) {
	if !n.Live && n.Since != nil {
		list = append(list, "silent since "+p.formatTime(*n.Since)+".")
	}
	if n.Live && n.Digest != "" && !n.SameFiles {
		list = append(list, "it runs other files than the node that answers. Checks that differ are not counted from there.")
	}
	if off := max(n.ClockOffMS, -n.ClockOffMS); off > clockOffMost {
		list = append(list, fmt.Sprintf("its clock differs by %.1f s. It does not decide before that is corrected.",
			off/1000))
	}
	if n.DiskError != "" {
		list = append(list, "its copy of the shared journal is not good: "+strings.TrimSuffix(n.DiskError, ".")+".")
	}
	return append(list, n.Troubles...)
}

func (p *program) nodesStepDownCommand() *cobra.Command {
	var by string
	c := &cobra.Command{
		Use:   "step-down",
		Short: "Have the node that decides stop, so that another one decides",
		Long: "Have the node that decides stop deciding, so that another one takes over within\n" +
			"seconds. Nothing is lost. The node may decide again later. Stopping its daemon\n" +
			"does the same.",
		Example: examples(
			"Before work on the machine that decides", "sudo imapvigil nodes step-down",
			"Which one decides now?", "imapvigil nodes",
		),
		Annotations: exitCodes("it no longer decides", "no node decides, or it could not be asked"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			nodes, err := p.clientAs(cmd, by).StepDown(cmd.Context())
			if err != nil {
				return err
			}
			if err := p.printNodes(nodes); err != nil || p.json || nodes.Node.Decider != "" {
				return err
			}
			p.printf("\nAnother node takes over within seconds: see imapvigil nodes.\n")
			return nil
		},
	}
	p.byFlag(c, &by)
	p.jsonFlag(c)
	p.utcFlag(c)
	p.placeFlags(c, configFlag, controlFlag)
	return c
}
