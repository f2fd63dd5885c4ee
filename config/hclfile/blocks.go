package hclfile

// The blocks of the language, innermost first. The order of the root is the
// order of the manual.
var (
	defaultsBlock    = define(blockType{name: "defaults", once: true, doc: "Defaults for every check below this point of the tree. The nearest wins, attribute by attribute", blocks: innerBlocks}, termsTable.attributes())
	imapCheckBlock   = define(blockType{name: "imap_check", labels: []string{"name"}, doc: "A service to check: one port of one host. Its id is server/check when it is written in a server, else its name", blocks: innerBlocks}, placeTable.attributes(), termsTable.attributes())
	serverBlock      = define(blockType{name: "server", labels: []string{"name"}, doc: "A machine with its checks. Its name is unique in the whole configuration", blocks: []*blockType{defaultsBlock, imapCheckBlock}}, serverTable.attributes())
	groupBlock       = newGroupBlock()
	daemonBlock      = define(blockType{name: "daemon", once: true, doc: "The daemon itself"}, daemonTable.attributes())
	clusterBlock     = define(blockType{name: "cluster", once: true, doc: "Several machines that run imapvigil with the same files. Each probes its share of the checks, and one of them decides for all and sends the messages. They talk over a NATS server, such as the one of the package imapvigil-bus"}, clusterTable.attributes())
	nodeBlock        = define(blockType{name: "node", labels: []string{"name"}, doc: "A machine of the cluster. Its name is the host name without the domain, or what run --node says"}, nodeTable.attributes())
	localsBlock      = define(blockType{name: "locals", doc: "Names for values, used as local.name. They may use other locals and functions, not references"})
	notifierBlock    = define(blockType{name: "notifier", labels: []string{"kind", "name"}, doc: "A channel: how to reach people", variants: notifierVariants()}, notifierTable.attributes())
	notifyBlock      = define(blockType{name: "notify", doc: "One destination of a role's messages", variants: notifyVariants()}, wayTable.attributes())
	roleBlock        = define(blockType{name: "notification_role", labels: []string{"name"}, doc: "Who is notified, and how: one or more notify blocks", blocks: []*blockType{notifyBlock}}, roleTable.attributes())
	scheduleBlock    = define(blockType{name: "schedule", labels: []string{"name"}, doc: "Windows of the week, for the attribute during"}, scheduleTable.attributes())
	maintenanceBlock = define(blockType{name: "maintenance", labels: []string{"name"}, doc: "Planned work: when, and on what. start with end, or with duration and optionally rrule; or weekly"}, maintenanceTable.attributes())
	movedBlock       = define(blockType{name: "moved", doc: "A check has a new id; history and open incidents go with it"}, movedTable.attributes())
	reportBlock      = define(blockType{name: "report", labels: []string{"name"}, doc: "A report on a period that is over, sent by email"}, reportTable.attributes())
	noticeBlock      = define(blockType{name: "announcement", labels: []string{"name"}, doc: "A notice on the status page"}, noticeTable.attributes())
	correctionBlock  = define(blockType{name: "correction", labels: []string{"name"}, doc: "What a time counts as afterwards, in availability and reports. Every report lists it"}, correctionTable.attributes())
	historyBlock     = define(blockType{name: "history", once: true, doc: "How long what was measured is kept"}, historyTable.attributes())
	accessBlock      = define(blockType{name: "access", labels: []string{"name"}, doc: "These users see these groups, and nothing else"}, accessTable.attributes())
	proxyBlock       = define(blockType{name: "trusted_proxy", once: true, doc: "A reverse proxy that logs people in and names them in a header"}, proxyTable.attributes())
	oidcBlock        = define(blockType{name: "oidc", once: true, doc: "An OpenID provider to log in with. It needs daemon.public_url, since it sends people back to /login/oidc/callback there"}, oidcTable.attributes())
	pageBlock        = define(blockType{name: "page", once: true, doc: "What the status page shows, and to whom", blocks: []*blockType{accessBlock, proxyBlock, oidcBlock}}, pageTable.attributes())

	rootBlock = define(blockType{blocks: []*blockType{
		daemonBlock, clusterBlock, nodeBlock, localsBlock, defaultsBlock, groupBlock, serverBlock, imapCheckBlock,
		notifierBlock, roleBlock, scheduleBlock, maintenanceBlock, movedBlock, historyBlock, pageBlock,
		reportBlock, noticeBlock, correctionBlock,
	}})
)

// newGroupBlock makes the block that can hold itself.
func newGroupBlock() *blockType {
	b := &blockType{name: "group", labels: []string{"name"}, doc: "Servers, checks and groups that belong together. The same group may be written in several files"}
	b.blocks = []*blockType{defaultsBlock, b, serverBlock, imapCheckBlock}
	made := define(*b, groupTable.attributes())
	// define made a copy, and a group inside a group must be the same blockType.
	made.blocks[1] = made
	return made
}
