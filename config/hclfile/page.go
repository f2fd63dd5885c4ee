package hclfile

import (
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile/diagnose"
)

var pageTable = table[config.Page]{
	newRow("title", text, `"imapvigil"`, "The title of the status page",
		func(p *config.Page, v value) { p.Title = v.text }),
	newRow("timezone", timeZone, "that of daemon", "The time zone of days, bars and reports, like \"Europe/Berlin\"; also of announcements and corrections without a zone of their own",
		func(p *config.Page, v value) { p.Zone = zone(v.text) }),
	newRow("users_file", usersFile, "", "Who may log in: lines name:hash, as htpasswd -B of the package apache2-utils writes them. Only bcrypt is read",
		func(p *config.Page, v value) { p.Users = v.users }),
	newRow("operators", texts(text), "", "Users who may test, probe now, acknowledge, silence and write notes; \"@ops\" is a group that the proxy or the provider names. Others look",
		func(p *config.Page, v value) { p.Operators = v.list }),
	newRow("tokens_file", tokensFile, "", "Programs that may ask without logging in: lines with a name, a right (metrics, read or operate) and the SHA-256 of the token in hex",
		func(p *config.Page, v value) { p.Tokens = v.tokens }),
	newRow("cert_file", certificateFile, "", "The certificate of the status page, in PEM",
		func(p *config.Page, v value) { p.Cert = config.NewBlob(v.text) }),
	newRow("key_file", keyFile, "", "Its key, in PEM",
		func(p *config.Page, v value) { p.Key = v.secret }),
	newRow("public_groups", referencesTo("group"), "", "Groups that everybody sees at /p/, without hosts, addresses and causes",
		func(p *config.Page, v value) { p.PublicGroups = idsOf[config.GroupID](v.refs) }),
	newRow("metrics", oneOf("full", "summary", "off"), `"full"`, `What /metrics has: "full": everything, "summary": no phases and no addresses, "off": nothing`,
		func(p *config.Page, v value) { p.Metrics = config.PageMetrics(v.text) }),
	newRow("probe_any", boolean, "false", "true: /probe may ask hosts that no check declares. It needs tokens_file",
		func(p *config.Page, v value) { p.ProbeAny = v.flag }),
}

var accessTable = table[config.Access]{
	newRow("users", atLeastOne(texts(text)), "", "The users; \"@acme\" is a group that the proxy or the provider names",
		func(a *config.Access, v value) { a.Users = v.list }, required),
	newRow("groups", atLeastOne(referencesTo("group")), "", "The groups that these users see, with all that is in them",
		func(a *config.Access, v value) { a.Groups = idsOf[config.GroupID](v.refs) }, required),
}

var proxyTable = table[config.TrustedProxy]{
	newRow("from", atLeastOne(texts(network)), "", "The addresses of the proxy, like \"127.0.0.1\" or \"10.0.0.0/28\". The headers are believed from there, and ignored from elsewhere",
		func(p *config.TrustedProxy, v value) { p.From = mapped(v.list, netip.MustParsePrefix) }, required),
	newRow("user_header", headerOrNone, `"Remote-User"`, "The header in which the proxy names the user; the proxy must take it out of requests of others. \"\": the proxy names nobody, and only X-Forwarded-For is believed",
		func(p *config.TrustedProxy, v value) { p.UserHeader = v.text }),
	newRow("groups_header", headerName, "", "The header in which the proxy names the groups of the user, separated by commas. A group that is called as an access block has that access",
		func(p *config.TrustedProxy, v value) { p.GroupsHeader = v.text }),
}

var oidcTable = table[config.OIDC]{
	newRow("issuer", secureURL, "", "The URL of the provider, exactly as it calls itself",
		func(o *config.OIDC, v value) { o.Issuer = v.text }, required),
	newRow("client_id", text, "", "The client that the provider knows imapvigil as",
		func(o *config.OIDC, v value) { o.ClientID = v.text }, required),
	newRow("client_secret", secret, "none; PKCE is used in any case", "The secret of the client",
		func(o *config.OIDC, v value) { o.ClientSecret = v.secret }, mayHoldSecret),
	newRow("groups_claim", text, "", "The claim that lists the groups of the user. A group that is called as an access block has that access",
		func(o *config.OIDC, v value) { o.GroupsClaim = v.text }),
}

func (l *loader) definePage() {
	page := &l.config.Page
	page.Title, page.Metrics = "imapvigil", config.MetricsFull
	usable := true
	if b := l.single["page"]; b != nil {
		content := l.content(b, pageBlock, "page")
		// Everything is read even where something is wrong, so that all of it is said.
		usable = decode(l, pageTable, content, page) && !content.wrong
		usable = l.definePageBlocks(content) && usable
		usable = l.checkPage(content) && usable
		l.written.NoOperators = content.Attributes["operators"] != nil && len(page.Operators) == 0
		if usable {
			l.adviseOnUsers(content)
		}
	}
	if usable {
		usable = l.checkListening()
	}
	if !usable {
		l.config.Daemon.Listen = "" // a page that does not know its users is not for everybody
	}
}

// definePageBlocks reads the blocks inside page, and reports whether all of them can be
// used.
func (l *loader) definePageBlocks(content *contents) bool {
	page, usable := &l.config.Page, true
	var proxy, oidc *hcl.Block
	for _, b := range content.Blocks {
		switch b.Type {
		case "access":
			usable = l.defineAccess(b) && usable
		case "trusted_proxy":
			l.once(&proxy, b, b.Type)
		case "oidc":
			l.once(&oidc, b, b.Type)
		}
	}
	slices.SortFunc(page.Access, func(a, b config.Access) int { return config.NaturalOrder(a.Name, b.Name) })
	if proxy != nil {
		page.TrustedProxy.UserHeader = "Remote-User"
		inner := l.content(proxy, proxyBlock, "trusted_proxy")
		usable = decode(l, proxyTable, inner, &page.TrustedProxy) && !inner.wrong && usable
	}
	if oidc != nil {
		inner := l.content(oidc, oidcBlock, "oidc")
		usable = decode(l, oidcTable, inner, &page.OIDC) && !inner.wrong && usable
		if usable && l.config.Daemon.PublicURL == "" {
			l.Report(rulePage, header(oidc), "The provider sends people back to a URL of this page, so daemon.public_url must be written.")
			usable = false
		}
	}
	return usable
}

// defineAccess reports whether the block can be used. Users whom it should narrow would
// see everything without it.
func (l *loader) defineAccess(b *hcl.Block) bool {
	if !l.checkNames(b) {
		return false
	}
	a := config.Access{Name: b.Labels[0], Pos: diagnose.Position(header(b))}
	for _, other := range l.config.Page.Access {
		if other.Name == a.Name {
			l.Report(ruleDuplicateID, header(b), "There is an access %q already, in line %d.", a.Name, other.Pos.Line)
			return false
		}
	}
	content := l.content(b, accessBlock, "access")
	usable := decode(l, accessTable, content, &a) && !content.wrong
	l.config.Page.Access = append(l.config.Page.Access, a)
	return usable
}

// checkPage reports whether what the page says fits together.
func (l *loader) checkPage(content *contents) bool {
	page, usable := &l.config.Page, true
	if complaint := notAKeyPair(page.Cert, page.Key, !l.snapshot.Options().NoCredentials); complaint != "" {
		l.Report(ruleKeyPair, content.at, "%s", complaint)
		usable = false
	}
	if page.ProbeAny && content.Attributes["tokens_file"] == nil {
		l.Report(rulePage, content.Attributes["probe_any"].Expr.Range(), "probe_any lets others have this machine connect to any host, so it needs a token: write tokens_file.")
		usable = false
	}
	return usable
}

// adviseOnUsers warns of users that are named and cannot log in. Whom a proxy or a
// provider knows, it alone can tell.
func (l *loader) adviseOnUsers(content *contents) {
	page := &l.config.Page
	if page.TrustedProxy.NamesUsers() || page.OIDC.Issuer != "" {
		return
	}
	known := mapped(page.Users, func(u config.PageUser) string { return u.Name })
	if slices.Contains(known, unreadSecret) {
		return
	}
	warn := func(at hcl.Range, name string) {
		if slices.Contains(known, name) {
			return
		}
		if len(known) == 0 {
			l.Gather(ruleUnknownUser, at, "Nobody can log in: page has no users_file, no trusted_proxy that names users, and no oidc.")
			return
		}
		l.Report(ruleUnknownUser, at, "users_file has no user of this name.%s", diagnose.OnlyNear(name, known))
	}
	if attr := content.Attributes["operators"]; attr != nil {
		eachElement(attr, page.Operators, warn)
	}
	for _, b := range content.Blocks {
		inner, _, _ := b.Body.PartialContent(accessBlock.schema)
		attr := inner.Attributes["users"]
		if i := slices.IndexFunc(page.Access, func(a config.Access) bool { return b.Type == "access" && a.Name == b.Labels[0] }); attr != nil && i >= 0 {
			eachElement(attr, page.Access[i].Users, warn)
		}
	}
}

// eachElement calls visit with the values of a list, and where each is written as far as
// that can be told.
func eachElement(attr *hcl.Attribute, values []string, visit func(at hcl.Range, value string)) {
	written, diags := hcl.ExprList(attr.Expr)
	for i, v := range values {
		at := attr.Expr.Range()
		if !diags.HasErrors() && len(written) == len(values) {
			at = written[i].Range()
		}
		visit(at, v)
	}
}

// checkListening reports whether the page may be served where the daemon listens.
func (l *loader) checkListening() bool {
	why := l.config.Page.Unfit(l.config.Daemon.Listen)
	if why != "" {
		l.Report(ruleListen, l.listenAt, "%s", why)
	}
	return why == ""
}
