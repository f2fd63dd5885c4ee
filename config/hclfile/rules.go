package hclfile

import "github.com/imapvigil/imapvigil/config"

// A rule is something that a configuration can break. Each has a configuration
// under testdata/wrong that breaks it, with the exact text that a user sees.
type rule = config.Rule

// rules is every rule there is, beside those of config/source and config/advice.
var rules []*rule

func wrong(id, summary string) *rule      { return register(id, config.Error, summary) }
func suspicious(id, summary string) *rule { return register(id, config.Warning, summary) }

func register(id string, g config.Gravity, summary string) *rule {
	r := &rule{ID: id, Gravity: g, Summary: summary}
	rules = append(rules, r)
	return r
}

// Files.
var (
	ruleNoFiles   = wrong("no-files", "No configuration files")
	ruleReplace   = wrong("replace", "Nothing to replace")
	ruleNamedFile = wrong("named-file", "File cannot be used")
	rulePublic    = wrong("secret-readable", "Secret readable by others")
)

// Syntax and structure.
var (
	ruleSyntax           = wrong("syntax", "Invalid syntax")
	ruleEncoding         = wrong("encoding", "Not in UTF-8")
	ruleNesting          = wrong("nesting", "Expressions nested too deeply")
	ruleUnknownBlock     = wrong("unknown-block", "Unknown block")
	ruleUnknownAttribute = wrong("unknown-attribute", "Unknown attribute")
	ruleReserved         = wrong("reserved", "Reserved for a later version")
	ruleLabels           = wrong("block-labels", "Wrong block header")
	ruleName             = wrong("name", "Invalid name")
	ruleDuplicateBlock   = wrong("duplicate-block", "Block written twice")
	ruleDuplicateID      = wrong("duplicate-id", "Name used twice")
	ruleDuplicateValue   = wrong("duplicate-attribute", "Attribute written twice")
	ruleMissing          = wrong("missing-attribute", "Missing attribute")
	ruleDynamic          = wrong("dynamic", "Invalid dynamic block")
	ruleInternal         = wrong("internal", "Configuration cannot be understood")
	ruleTooMany          = wrong("too-many-checks", "Too many checks")
)

// Expressions.
var (
	ruleExpression        = wrong("expression", "Invalid expression")
	ruleDecode            = wrong("decode", "String cannot be decoded")
	ruleUnknownFunction   = wrong("unknown-function", "Unknown function")
	ruleUnknownVariable   = wrong("unknown-variable", "Unknown name")
	ruleUnknownReference  = wrong("unknown-reference", "Unknown reference")
	ruleEarlyReference    = wrong("early-reference", "Reference not possible here")
	ruleShadowed          = wrong("shadowed", "Name hidden by dynamic")
	ruleLocalCycle        = wrong("local-cycle", "Locals depend on each other")
	ruleSensitiveValue    = wrong("sensitive-value", "Secret in a place that is shown")
	ruleSensitiveFunction = wrong("sensitive-function", "Function refuses a secret")
	ruleEnv               = wrong("env", "Environment variable not set")
	ruleCredential        = wrong("credential", "Credential cannot be used")
	ruleLiteralElsewhere  = wrong("literal-secret", "Secret not from credential")
	ruleWithheld          = wrong("withheld", "Secret not saved")
)

// Values.
var (
	ruleType       = wrong("type", "Wrong type of value")
	ruleDuration   = wrong("duration", "Invalid duration")
	ruleBounds     = wrong("bounds", "Value out of bounds")
	ruleChoice     = wrong("choice", "Unknown value")
	ruleEmpty      = wrong("empty", "Empty value")
	ruleControl    = wrong("control-character", "Control character")
	ruleRepeated   = wrong("repeated", "Value written twice")
	ruleCheckLabel = wrong("label", "Invalid label")
	ruleHostname   = wrong("hostname", "Invalid hostname")
	ruleHostPort   = wrong("host-port", "Invalid address")
	ruleURL        = wrong("url", "Invalid URL")
	rulePlainHTTP  = wrong("plain-http", "Unencrypted URL")
	ruleMailbox    = wrong("email-address", "Invalid email address")
	rulePhone      = wrong("phone-number", "Invalid phone number")
	rulePath       = wrong("path", "Invalid path")
	rulePEM        = wrong("certificate-file", "No certificate in the file")
	ruleBrokenPEM  = wrong("certificate-broken", "Damaged certificate file")
	ruleKeyFile    = wrong("key-file", "No private key in the file")
	ruleKeyPair    = wrong("key-pair", "Certificate and key do not belong together")
	ruleUserFile   = wrong("user-file", "Invalid line in a file of users or tokens")
	ruleSize       = wrong("size", "Invalid size")
	ruleNetwork    = wrong("network", "Invalid network")
	ruleHeader     = wrong("header", "Invalid name of a header")
	rulePin        = wrong("pin", "Invalid pin")
	ruleTimeZone   = wrong("time-zone", "Unknown time zone")
	ruleWindow     = wrong("window", "Invalid window")
	ruleTime       = wrong("time", "Invalid time")
	ruleDate       = wrong("date", "Invalid date")
	ruleRecurrence = wrong("recurrence", "Invalid recurrence rule")
	ruleReference  = wrong("reference", "Wrong reference")
	ruleSubject    = wrong("subject", "Name that cannot be used on the bus")
	ruleNKey       = wrong("nkey", "Invalid nkey")
	ruleCreds      = wrong("credentials", "Invalid credentials of NATS")
	ruleLocation   = wrong("unknown-location", "Unknown location")
)

// What attributes mean together.
var (
	ruleSecurity         = wrong("security", "Missing security")
	ruleNoHostname       = wrong("no-hostname", "Missing hostname")
	ruleTimeout          = wrong("timeout", "Timeout longer than interval")
	ruleRetryInterval    = wrong("retry-interval", "Retry interval longer than interval")
	ruleExpiry           = wrong("expiry", "Expiry warning later than critical")
	rulePlace            = wrong("place", "Place given twice")
	rulePlainLogin       = wrong("plain-login", "Login on an unencrypted connection")
	ruleLogin            = wrong("login", "Incomplete login")
	ruleSameWay          = wrong("same-way", "Same destination twice")
	ruleNoWay            = wrong("no-way", "Role without a notify block")
	ruleDependencyCycle  = wrong("dependency-cycle", "Checks depend on each other")
	ruleMaintenance      = wrong("maintenance", "Incomplete maintenance")
	ruleListen           = wrong("listen", "Page open to others on the network")
	rulePage             = wrong("page", "Incomplete page")
	ruleReport           = wrong("report", "Report that nobody gets")
	ruleMoved            = wrong("moved", "Check cannot have moved")
	ruleUnsuitedNotifier = wrong("notifier", "Incomplete notifier")
	ruleUnsuitedValue    = wrong("notifier-value", "Value does not suit the notifier")
	ruleTemplate         = wrong("template", "Template that fails")
	ruleNoCluster        = wrong("no-cluster", "No cluster")
	ruleNoNodes          = wrong("no-nodes", "Cluster without nodes")
	ruleNobodyDecides    = wrong("nobody-decides", "No node may decide")
	ruleNotANode         = wrong("not-a-node", "This machine is no node")
	ruleClusterLogin     = wrong("cluster-login", "Login to the bus not clear")
	ruleAgree            = wrong("agree", "More nodes have to agree than there are")
	ruleTooFewNodes      = wrong("too-few-nodes", "More nodes than there are")
)

// Warnings: shown, and fatal only with --strict.
var (
	ruleLiteral      = suspicious("written-secret", "Secret written in the file")
	ruleRelativeName = suspicious("relative-name", "Host name without a dot")
	ruleIgnoredPEM   = suspicious("certificate-ignored", "Part of a certificate file without effect")
	ruleUnusedTLS    = suspicious("unused-tls", "TLS settings without TLS")
	ruleUnknownUser  = suspicious("unknown-user", "User who cannot log in")
	ruleLacking      = suspicious("lacking", "Credential missing that is not needed here")
	ruleNoException  = suspicious("no-exception", "Exception without effect")
)
