package hclfile

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
	"github.com/imapvigil/imapvigil/config/names"
	"github.com/imapvigil/imapvigil/config/opaque"
)

const (
	defaultClusterName = "imapvigil"
	defaultAloneAfter  = time.Minute
)

var clusterTable = table[config.Cluster]{
	newRow("servers", atLeastOne(texts(busURL)), "", "The NATS servers, like \"tls://fra1.example.net:4222\". Every node can reach each of them; if one fails, another is used. A change needs a restart",
		func(c *config.Cluster, v value) { c.Servers = v.list }, required),
	newRow("name", subjectName, `"`+defaultClusterName+`"`, "A part of every subject, so that several installations can share one NATS. A change needs a restart",
		func(c *config.Cluster, v value) { c.Name = v.text }),
	newRow("ca_file", authorityFile, "the system's roots", "The authorities that the certificates of the servers are from, in PEM. A change needs a restart",
		func(c *config.Cluster, v value) { c.CA = config.NewBlob(v.text) }),
	newRow("key", nkeySeed, "", "This node's own nkey, as imapvigil nodes key makes it. Of key, credentials and cert_file one is needed. A change needs a restart",
		func(c *config.Cluster, v value) { c.Key = v.secret }, mayHoldSecret),
	newRow("credentials", credentialsText, "", "This node's JWT and its key, as a .creds file has them. A change needs a restart",
		func(c *config.Cluster, v value) { c.Credentials = v.secret }, mayHoldSecret),
	newRow("cert_file", ownCertificateFile, "", "This node's certificate, in PEM. A change needs a restart",
		func(c *config.Cluster, v value) { c.Cert = config.NewBlob(v.text) }),
	newRow("key_file", keyFile, "", "Its key, in PEM; readable by the daemon and not by others. A change needs a restart",
		func(c *config.Cluster, v value) { c.CertKey = v.secret }),
	newRow("alone_after", durationBetween(10*time.Second, time.Hour), spanText(defaultAloneAfter), "How long the deciding node cannot be reached before a node decides for itself, and says that it is alone. One with decide = false never does",
		func(c *config.Cluster, v value) { c.AloneAfter = v.span() }),
}

var nodeTable = table[config.Node]{
	newRow("location", placeName, "the name of the node", "Where the node is: a data centre, a town, a provider. Nodes in one location fail together, so a check is probed from different ones as long as there are any",
		func(n *config.Node, v value) { n.Location = v.text }),
	newRow("key", publicNKey, "", "The public half of the node's nkey, for imapvigil nodes bus-config",
		func(n *config.Node, v value) { n.Key = v.text }),
	newRow("decide", boolean, "true", "false: the node only probes. It never decides and never sends messages, also when it reaches no other node, and the credentials of notifiers may be missing there",
		func(n *config.Node, v value) { n.Decide = v.flag }),
}

// busURL is a server of NATS. Without TLS others could read what is watched and send
// observations of their own.
var busURL = kind{name: "URL", bounds: "tls:// or wss://, nats:// to loopback", read: func(r *reading) (value, bool) {
	if v, ok := r.str(); ok {
		// All before an @ may be a password, also in what is no URL otherwise.
		if login, _, found := strings.Cut(v.text, "@"); found {
			r.l.KeepSecret(login)
			r.l.Hide(r.expr.Range())
			return r.wrong(ruleURL, "The URL of a server is shown to others, so it must not have a user and a password in it. Use key, credentials or cert_file.")
		}
	}
	v, ok := busURLText.read(r)
	if u, err := url.Parse(v.text); ok && err == nil {
		r.warnOfSearchList(u.Hostname())
	}
	return v, ok
}}

var busURLText = textWith("URL", ruleURL, func(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"tls", "wss", "nats", "ws"}, u.Scheme):
		return "The URL of a NATS server is like tls://bus.example.net:4222"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "The URL of a NATS server ends after the port."
	case u.Port() != "" && !isPort(u.Port()):
		return "The port of a NATS server is a number from 1 to 65535."
	case (u.Scheme == "nats" || u.Scheme == "ws") && !isLoopback(u.Hostname()):
		return "Without TLS others on the network could read and change what the nodes say to each other. Use tls:// or wss://; nats:// is only allowed to this machine."
	case u.Scheme == "ws":
		return "Use wss://, or nats:// to this machine."
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		return names.NotADNSName(strings.TrimSuffix(u.Hostname(), "."))
	}
	return ""
})

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// subjectToken is what can be one part of a subject: a dot would begin the next, and * and > mean
// others.
var subjectToken = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var subjectName = textWith("string", ruleSubject, func(text string) string {
	if !subjectToken.MatchString(text) {
		return "The name of a cluster has only letters, digits, - and _, and 64 of them at most."
	}
	return ""
})

// placeName is a location, which people read in messages.
var placeName = textJudged("string", ruleControl, func(text string) complaint {
	if strings.TrimSpace(text) != text {
		return complaint{fmt.Sprintf("A location must not begin or end with a space. Write %q.", strings.TrimSpace(text)), "A location must not begin or end with a space."}
	}
	return unprintable(text, "")
})

const makeAKey = "imapvigil nodes key makes one and prints its public half."

// publicNKey is the public half of the key of a user of NATS. The secret one, written in its
// place, is never shown.
var publicNKey = kind{name: "public nkey", read: func(r *reading) (value, bool) {
	v, ok := readText(r)
	switch {
	case !ok || isPublicNKey(v.text):
		return v, ok
	case isNKeySeed(v.text):
		r.l.KeepSecret(v.text)
		r.l.Hide(r.expr.Range())
		return r.wrong(ruleNKey, "This is the seed of an nkey, its secret half, which others can now read. Make another. %s", makeAKey)
	}
	return r.wrong(ruleNKey, "%s is not the public half of the nkey of a user: 56 letters and digits, of which the first is U. %s", diagnose.Capital(r.show(v.text)), makeAKey)
}}

// nkeySeed is the secret half of such a key.
var nkeySeed = kind{name: "secret", read: func(r *reading) (value, bool) {
	if v, ok := r.str(); ok && isCredentials(v.text) {
		r.l.KeepSecret(v.text)
		return r.wrong(ruleNKey, "This is the text of a .creds file. Use credentials for it instead of key.")
	}
	v, ok := secret.read(r)
	text := strings.TrimSpace(v.secret.Reveal())
	switch {
	case !ok || r.unread || isNKeySeed(text):
		return value{secret: opaque.NewSecret(text)}, ok
	case isPublicNKey(text):
		return r.wrong(ruleNKey, "This is the public half of an nkey. key must be the seed, which begins with SU.")
	}
	return r.wrong(ruleNKey, "This is not the seed of an nkey of a user: 58 letters and digits, of which the first are SU. %s", makeAKey)
}}

// credentialsText is the text of a .creds file, which has several lines.
var credentialsText = kind{name: "secret", read: func(r *reading) (value, bool) {
	v, ok := readText(r)
	if !ok || r.unread {
		return v, ok
	}
	r.l.KeepSecret(v.text)
	if !isCredentials(v.text) {
		return r.wrong(ruleCreds, "credentials must be the text of a .creds file, which has a line %s and one %s", credentialMarks[0], credentialMarks[1])
	}
	ok = r.judgeSecret(r.expr, "these credentials", r.attr.name, r.attr.name+` = credential("name")`)
	return value{secret: opaque.NewSecret(v.text)}, ok
}}

// hasCluster reports whether a cluster block is written, right or wrong.
func (l *loader) hasCluster() bool { return l.single["cluster"] != nil }

// defineCluster reads the cluster block and the nodes. Where it is written there is a
// config.Cluster in any case, so that what needs one is read as it was meant.
func (l *loader) defineCluster() {
	b := l.single["cluster"]
	if b == nil {
		for _, node := range l.named["node"] {
			l.Gather(ruleNoCluster, header(node.block), "A node is a machine of a cluster, and there is no cluster block. Write cluster { servers = [...] ... }, or remove the node blocks.")
		}
		return
	}
	cluster := &config.Cluster{Name: defaultClusterName, AloneAfter: defaultAloneAfter, Nodes: map[config.NodeID]*config.Node{}, Pos: diagnose.Position(header(b))}
	l.config.Cluster = cluster
	content := l.content(b, clusterBlock, "cluster")
	if decode(l, clusterTable, content, cluster) && !content.wrong {
		l.checkClusterLogin(cluster, content)
	}
	for _, node := range l.named["node"] {
		l.defineNode(node)
	}
	l.checkNodes(header(b))
}

// checkClusterLogin reports where it is not clear how a node says who it is.
func (l *loader) checkClusterLogin(c *config.Cluster, content *contents) {
	var written []*hcl.Attribute
	for name, isThere := range map[string]bool{"key": !c.Key.IsZero(), "credentials": !c.Credentials.IsZero(), "cert_file": !c.Cert.IsZero()} {
		if isThere {
			written = append(written, content.Attributes[name])
		}
	}
	slices.SortFunc(written, func(a, b *hcl.Attribute) int { return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte) })
	plain := !slices.ContainsFunc(c.Servers, func(server string) bool { return !strings.HasPrefix(server, "nats://") })
	switch {
	case len(written) > 1:
		l.Report(ruleClusterLogin, written[1].Range, "%s and %s both say who this node is. Remove one of them.", written[0].Name, written[1].Name)
	case len(written) == 0 && c.CertKey.IsZero() && !plain:
		l.Report(ruleClusterLogin, content.at, "Nothing says how this node logs in to the servers. Write key = credential(\"bus-key\"), or credentials, or cert_file and key_file. %s", makeAKey)
	}
	if complaint := notAKeyPair(c.Cert, c.CertKey, !l.snapshot.Options().NoCredentials); complaint != "" {
		l.Report(ruleKeyPair, content.at, "%s", complaint)
	}
}

func (l *loader) defineNode(b namedBlock) {
	if !subjectToken.MatchString(b.id) {
		at := b.block.LabelRanges[0]
		which := complaint{diagnose.Quoted(b.id), "This"}.says(l.standsIn(at, b.id))
		l.Report(ruleSubject, at, "%s cannot be the name of a node, which has only letters, digits, - and _. Of a host name it is the part before the first dot.", which)
		l.nodesUnsure = true
		return
	}
	content := l.content(b.block, nodeBlock, "node")
	n := &config.Node{ID: config.NodeID(b.id), Location: b.id, Decide: true, Pos: diagnose.Position(header(b.block))}
	if !decode(l, nodeTable, content, n) || content.wrong {
		l.nodesUnsure = true
	}
	for _, other := range l.config.Cluster.SortedNodes() {
		if n.Key != "" && other.Key == n.Key {
			l.Report(ruleRepeated, content.Attributes["key"].Expr.Range(), "node %q has this key, too, at %s. Each node needs an nkey of its own. %s", other.ID, other.Pos, makeAKey)
		}
	}
	l.config.Cluster.Nodes[n.ID] = n
}

// checkNodes reports what is wrong with the nodes together.
func (l *loader) checkNodes(at hcl.Range) {
	nodes := l.config.Cluster.SortedNodes()
	switch {
	case l.nodesUnsure:
	case len(nodes) == 0:
		l.Report(ruleNoNodes, at, "The cluster has no node. Write a node block for each machine that runs imapvigil with these files:\n    node \"name\" { location = \"...\" }")
	case !slices.ContainsFunc(nodes, func(n *config.Node) bool { return n.Decide }):
		l.Report(ruleNobodyDecides, at, "Every node has decide = false, so nobody would decide that something is down, and nobody would be notified. Remove decide = false, best from three nodes.")
	}
	l.checkThisNode(at)
}

// checkThisNode reports that the machine which runs these files is none of their nodes.
func (l *loader) checkThisNode(at hcl.Range) {
	this := l.snapshot.Options().Node
	nodes := l.config.Cluster.Nodes
	if this == "" || nodes[this] != nil || l.nodesUnsure || len(nodes) == 0 {
		return
	}
	known := retyped[string](slices.Collect(maps.Keys(nodes)))
	l.Report(ruleNotANode, at, "This machine is called %q, and no node is.%s Write node %q { ... } in the files, or start imapvigil run --node NAME.", this, diagnose.DidYouMean(string(this), known, diagnose.Quoted, "The nodes are"), this)
}

// forSending defines blocks that are for sending messages. On a node that never sends any their
// credentials may be missing.
func (l *loader) forSending(blockName string, define func(namedBlock)) {
	for _, b := range l.named[blockName] {
		if l.lacksCredential(func() { define(b) }) {
			l.Gather(ruleLacking, header(b.block), "This node has decide = false and sends no messages, so it does not need the credentials of this block.")
		}
	}
}

// lacksCredential has something read that only sending needs. It reports whether a credential
// was missing that may be, since this node never sends.
func (l *loader) lacksCredential(read func()) bool {
	l.reads.mayLack, l.reads.lacks = l.neverSends(), false
	read()
	l.reads.mayLack = false
	return l.reads.lacks
}

// neverSends reports whether this machine is a node that only probes.
func (l *loader) neverSends() bool {
	if l.config.Cluster == nil {
		return false
	}
	this := l.config.Cluster.Nodes[l.snapshot.Options().Node]
	return this != nil && !this.Decide
}
