# The whole language, annotated. Everything that can be written is here once; where
# a value is the default, the comment says so. A test loads this file and compares
# it with the list of attributes, so it is never out of date.
#
#   imapvigil validate --no-credentials examples/reference.hcl
#
# The daemon reads a directory, /etc/imapvigil: use as many files as you like. All
# of them are one configuration, and their order does not matter.

# ---- The daemon itself: at most one block, all of it optional ---------------

daemon {
  state_dir = "/var/lib/imapvigil"          # default; the journal of incidents; a change needs a restart
  control   = "/run/imapvigil/control.sock" # default; the socket of the command line; likewise

  # Where the status page, the API and /metrics are; "" switches them off. Default.
  listen     = "127.0.0.1:9143"
  public_url = "https://status.example.org" # how people reach the page, through a reverse proxy

  log_level             = "info"          # default; debug, info, warn, error
  timezone              = "Europe/Berlin" # of times in messages; default: the machine's
  max_concurrent_probes = 512             # default
  reload                = "auto"          # default; "explicit": only by systemctl reload or imapvigil reload

  # Who is notified of problems of imapvigil itself. Default: every role, with a warning.
  notification_roles = [notification_role.it_team]

  # Hosts that answer whenever the network of this machine works: imapvigil asks them
  # before it blames a server for a failure that may be its own.
  self_check = ["192.0.2.53:53", "[2001:db8::53]:53"]

  # An external dead man's switch (healthchecks.io, Uptime Kuma push), which gets a ping
  # every minute while imapvigil works, and alarms when it gets none. Without it there is
  # a warning; "" turns the warning off.
  heartbeat_url = "https://ping.example.com/${credential("heartbeat")}"
}

# ---- Several machines that agree: at most one cluster, and its nodes --------
# Without these blocks one machine probes and decides alone. With them every machine has
# the same files, and the nodes talk over NATS servers. imapvigil nodes key makes the key of
# a node, and imapvigil nodes bus-config the configuration of the servers.

cluster {
  servers     = ["tls://fra1.example.net:4222", "tls://nyc1.example.net:4222", "tls://lon1.example.net:4222"]
  name        = "imapvigil"             # default; another one for each installation on the same servers
  ca_file     = "files/ca.pem"          # default: the system's authorities
  credentials = credential("bus-creds") # a .creds file; or key = the nkey's seed; or cert_file and key_file
  alone_after = "1m"                    # default; without the deciding node for so long, a node decides for itself
}

# A node is called as the machine is, without the domain, or as run --node NAME says.
node "fra1" {
  location = "frankfurt"                                                # default: the name
  key      = "UBUL3NUVSGO5Z6TFL7JJPM6GGBANZ6JAEHXKPLNYYYVEGKIHHCYYWL2I" # the public half
  decide   = true                                                       # default
}
node "nyc1" { location = "new-york" }
node "lon1" {
  location = "london"
  decide   = false # it only probes, and needs no credentials of notifiers
}

# ---- Names for values -------------------------------------------------------

locals {
  domain = "example.org"
  site   = try(env("IMAPVIGIL_SITE"), "headquarters") # functions: imapvigil schema lists them
  shops  = { berlin = "192.0.2.10", paris = "192.0.2.20" }
}

# ---- Defaults for every check below this point of the tree ------------------
# At the top, in a group or in a server. The nearest wins, attribute by
# attribute, also inside thresholds, tls and login.

defaults {
  interval           = "1m" # default; from the start of a probe to the start of the next
  fault_tolerance    = "3m" # default; a failure that lasts for so long is reported
  recovery_tolerance = "2m" # default; well for so long: the incident is closed
  notification_roles = [notification_role.it_team]
}

# ---- Notifiers: how messages are sent ---------------------------------------
# A secret is the content of a file: $CREDENTIALS_DIRECTORY/name (systemd's
# LoadCredential) or credentials/name beside this file, with mode 640 and the group
# imapvigil, so that the daemon can read it and others cannot.

notifier "email" "mailroom" {
  host            = "smtp.example.net"
  port            = 587                # default
  security        = "starttls"         # default; "tls", "opportunistic" (if the relay offers TLS), or "none"
  tls_server_name = "smtp.example.net" # default: host
  username        = "alerts"
  password        = credential("smtp-password")
  auth            = "auto" # default: the best that both sides know
  from            = "imapvigil <alerts@example.net>"
  hello           = "monitor.example.net" # the name of this machine in EHLO
  ca_file         = "files/ca.pem"        # instead of the system's authorities
  max_per_hour    = 200                   # the rest becomes one digest; recoveries are sent in any case

  # Own words, in Go's text/template, for every notifier that people read. They
  # make plain text. validate tries them with messages of every kind.
  subject = "{{upper .Transition}}: {{.Counts | default \"test\"}}"
  text    = <<-EOT
    {{range .Items -}}
    {{.Headline}}, since {{time "15:04 MST" .Started}}
    {{with .Runbook}}What to do: {{.}}
    {{end -}}
    {{else -}}
    {{.Text}}
    {{- end}}
    Sent to {{.RoleLabel}} by {{.Monitor}}.
  EOT
}

notifier "slack" "workspace" {
  token     = credential("slack-token")
  api_url   = "https://slack.com/api/"      # default
  app_token = credential("slack-app-token") # a button that acknowledges
  ackers    = ["U024BE7LH", "U024BE7LJ"]    # default: who can read the message
}

notifier "telegram" "bot" {
  token   = credential("telegram")     # as BotFather gives it
  api_url = "https://api.telegram.org" # default
  ackers  = ["110201543"]              # who may acknowledge by a button; default: nobody, and there is none
}

notifier "discord" "server" {
  url = credential("discord") # of a webhook
}

notifier "matrix" "home" {
  url     = "https://matrix.example.org" # where the homeserver answers clients
  token   = credential("matrix")
  ca_file = "files/ca.pem" # instead of the system's authorities
}

notifier "pushover" "phones" {
  token   = credential("pushover")     # of an application
  api_url = "https://api.pushover.net" # default
  # max_per_hour is 60 for Pushover
}

notifier "sms" "twilio" {
  provider    = "twilio"
  account_sid = "AC00000000000000000000000000000000"
  auth_token  = credential("twilio")
  from        = "+15550199"
  base_url    = "https://api.twilio.com" # default
  # max_per_hour is 30 for SMS
}

notifier "sms" "vonage" { # also "bird", "plivo", "sinch" and "clickatell"
  provider = "vonage"
  key      = credential("vonage-key")
  secret   = credential("vonage-secret")
  from     = "15550199"
}

notifier "sms" "sinch" {
  provider = "sinch"
  key      = credential("sinch-plan") # the service plan
  token    = credential("sinch-token")
  region   = "eu" # default: "us"
  from     = "15550199"
}

notifier "sms" "gateway" { # any other gateway that takes an HTTP request
  provider = "http"
  url      = "https://sms.example.com/send"
  method   = "POST" # default
  headers  = { Content-Type = "application/json", Authorization = "Bearer ${credential("gateway")}" }
  body     = "{\"to\": \"{to}\", \"text\": \"{text}\"}"
  success  = "200, 202" # default: any 2xx
}

notifier "voice" "phone" { # calls that read messages aloud
  provider    = "twilio"
  account_sid = "AC00000000000000000000000000000000"
  auth_token  = credential("twilio")
  from        = "+15550199"
  language    = "en-GB"                  # default
  base_url    = "https://api.twilio.com" # default
  # max_per_hour is 6 for calls
}

notifier "webhook" "ticketing" { # for programs: one request for each event, signed
  url     = "https://hooks.example.net/imapvigil"
  secret  = credential("ticketing")
  headers = { X-Site = local.site }
  ca_file = "files/ca.pem"
  method  = "POST" # default; "PUT" or "PATCH"
  body    = <<-EOT
    {"key": {{json .Key}}, "title": {{json .Subject}}, "over": {{eq .Transition "closed" "test"}}}
  EOT
}

notifier "slack" "by_webhook" { # instead of token; it has one channel
  url = credential("slack-webhook")
}

notifier "zulip" "chat" {
  url     = "https://example.zulipchat.com"
  email   = "imapvigil-bot@example.zulipchat.com"
  token   = credential("zulip")
  ca_file = "files/ca.pem"
}

notifier "googlechat" "operations" {
  url = credential("googlechat") # of the webhook of a space
}

notifier "mattermost" "chat" {
  url     = "https://chat.example.org" # without token, a credential with the URL of an incoming webhook
  token   = credential("mattermost")   # of a bot
  ca_file = "files/ca.pem"
}

notifier "rocketchat" "chat" {
  url     = "https://rocket.example.org"
  user_id = "aobEdbYhXfu5hkeqG"
  token   = credential("rocketchat") # a personal access token of that user
  ca_file = "files/ca.pem"
}

notifier "teams" "operations" { # a workflow of Power Automate
  url = credential("teams-url")
}

notifier "alertmanager" "cluster" { # Prometheus Alertmanager; urls has every instance
  urls     = ["https://am1.example.net:9093", "https://am2.example.net:9093"]
  username = "imapvigil"
  password = credential("alertmanager") # or token, a bearer token
  ca_file  = "files/ca.pem"
  resend   = "1m" # default: each open alert is sent again so often
}

notifier "exec" "journal" { # a program of your own, without a shell
  command = ["/usr/bin/logger", "--tag={to}", "{subject}"]
  input   = "json" # default; "text": the message as people read it
  env     = { LOGGER_TOKEN = credential("ticketing") }
  timeout = "30s" # default
  batch   = false # default: one run an event; true: people read it, and messages are gathered
}

notifier "pagerduty" "mail" {
  routing_key = credential("pagerduty")        # of an integration "Events API V2"
  api_url     = "https://events.pagerduty.com" # default; https://events.eu.pagerduty.com in the EU
}

notifier "jsm" "operations" { # Jira Service Management, and Opsgenie until it ends
  api_key = credential("jsm")
  api_url = "https://api.atlassian.com/jsm/ops/integration" # default
}

notifier "ntfy" "phones" {              # push messages, by ntfy.sh or a server of your own
  url      = "https://ntfy.example.net" # default: "https://ntfy.sh"
  username = "imapvigil"
  password = credential("ntfy") # or token, an access token
  ca_file  = "files/ca.pem"
  # max_per_hour is 60 for ntfy
}

notifier "gotify" "phones" {
  url     = "https://push.example.net"
  token   = credential("gotify") # of an application
  ca_file = "files/ca.pem"
}

# ---- Windows of the week ----------------------------------------------------

schedule "night" {
  timezone = "Europe/Berlin"
  weekly   = ["mon-fri 18:00-08:00", "sat,sun 00:00-24:00"]
  except   = ["2026-12-24", "2026-12-31"] # no window begins on these dates
}

# ---- Who is notified, and how -----------------------------------------------

notification_role "it_team" {
  label       = "IT team"
  notify_test = "month" # default: never; a test message to each destination, "week" or "month"

  notify {
    via = notifier.email.mailroom
    to  = ["it@example.net", "On call <oncall@example.net>"]
    cc  = ["archive@example.net"]
  }
  notify {
    via     = notifier.slack.by_webhook
    mention = "@channel"
  }
  notify {
    via              = notifier.zulip.chat
    channel          = "mail ops"
    topic            = "alarms" # default: one for each incident
    mention          = "@*on call*"
    mention_severity = "down" # nobody is mentioned for what is degraded
  }
  notify {
    via              = notifier.googlechat.operations
    mention          = "@all"
    mention_severity = "down" # nobody is mentioned for what is degraded
  }
  notify {
    via              = notifier.mattermost.chat
    channel          = "4yxo4xqkqtnfpfqz1tfpwwqwqa"
    mention          = "@here"
    mention_severity = "down" # nobody is mentioned for what is degraded
  }
  notify {
    via              = notifier.rocketchat.chat
    channel          = "#mail-ops"
    mention          = "@here"
    mention_severity = "down" # nobody is mentioned for what is degraded
  }
  notify {
    via              = notifier.teams.operations
    mention          = [{ id = "anna@example.net", name = "Anna" }]
    mention_severity = "down" # nobody is mentioned for what is degraded
  }
  notify {
    via              = notifier.slack.workspace
    channel          = "#mail-ops"
    mention          = "@here"
    mention_severity = "down"                                      # nobody is mentioned for what is degraded
    on               = ["opened", "changed", "closed", "reminder"] # default
    severity         = "degraded"                                  # default: everything
    conditions       = ["service", "addresses", "certificate", "latency", "capability", "account", "intermittent", "monitor"]
  }
  notify {
    via    = notifier.telegram.bot
    chat   = "-1002718281828" # of a group; "@name" of a public channel
    topic  = 42               # default: the general topic
    silent = false            # default; ends are silent in any case
  }
  notify {
    via              = notifier.discord.server
    thread           = "1180000000000000042" # of the channel; default: the channel itself
    mention          = "@here"               # or "@everyone", "<@&ID>" for a role, "<@ID>" for a user
    mention_severity = "down"                # nobody is mentioned for what is degraded
  }
  notify {
    via   = notifier.discord.server
    forum = true # default: false; each incident is a post
  }
  notify {
    via              = notifier.matrix.home
    room             = "!abc:example.org"
    mention          = "@room" # or a user, "@anna:example.org"
    mention_severity = "down"  # default: "degraded"; what has escalated mentions in any case
  }
  notify {
    via      = notifier.pushover.phones
    to       = ["uQiRzpo4DXghDmr9QzzfQu27cmVRsG"] # keys of users or groups
    device   = "phone"                            # default: all of them
    priority = 2                                  # of what is down; default: 1; 2 rings until somebody acknowledges
    retry    = "1m"                               # default; with priority 2: how often phones ring again
    expire   = "1h"                               # default; with priority 2: when they stop
    sound    = "siren"                            # default: the user's own
  }
  notify { # escalation: still open and not acknowledged 15 minutes after it was reported
    via      = notifier.sms.twilio
    to       = ["+15550100", "+15550101"]
    after    = "15m"
    during   = schedule.night
    severity = "down" # default for SMS and wherever after is written
  }
}

notification_role "cto" {
  label    = "CTO"
  timezone = "America/New_York" # of times in messages to this role; default: daemon's
  notify {
    via = notifier.sms.gateway
    to  = ["+15550102"]
  }
  notify {
    via   = notifier.sms.vonage
    to    = ["+15550102"]
    after = "30m"
  }
  notify {
    via   = notifier.voice.phone
    to    = ["+15550102"]
    on    = ["opened"]
    after = "1h"
  }
  notify {
    via   = notifier.sms.sinch
    to    = ["+15550102"]
    after = "45m"
  }
}

notification_role "ticketing" {
  notify {
    via = notifier.webhook.ticketing
  }
  notify {
    via    = notifier.alertmanager.cluster
    labels = { team = "mail" }
  }
  notify {
    via      = notifier.ntfy.phones
    topic    = "mail-ops-7Kq2vX9d"
    priority = { degraded = 3 } # from 1 to 5; the others keep their defaults
  }
  notify {
    via      = notifier.gotify.phones
    priority = { down = 10 } # from 0 to 10
  }
  notify {
    via = notifier.exec.journal
    to  = ["imapvigil"] # takes the place of {to}
  }
  notify {
    via          = notifier.pagerduty.mail
    severity_map = { down = "critical", degraded = "warning", monitor = "error" } # default
  }
  notify {
    via        = notifier.jsm.operations
    priority   = { down = "P1", degraded = "P3", monitor = "P3" } # default
    tags       = ["mail"]
    responders = ["team:Mail", "user:anna@example.net"] # default: those of the integration
  }
}

# ---- What is watched --------------------------------------------------------

group "europe" {
  label = "Europe" # free text; default: the name

  defaults {
    also_notify = [notification_role.ticketing] # besides those above: adds up along the tree
  }

  group "germany" { # groups nest to any depth
    server "mx1" {
      label    = "Mail 1"
      hostname = "mx1.${local.domain}" # IPv4, IPv6 or DNS name

      imap_check "imaps" { port = 993 }    # id mx1/imaps; security is "tls"
      imap_check "starttls" { port = 143 } # security is "starttls"
      imap_check "office" {
        label    = "IMAP on the web port" # letters of any script, digits and spaces
        port     = 443
        security = "starttls" # "tls", "starttls" or "none"; on other ports it must be written
      }
    }
  }
}

group "europe" { # the same group again, as from another file: it adds up
  imap_check "front_door" {
    hostname = "2001:db8::25"
  }
}

server "mx2" { # in a group by reference, instead of nesting
  hostname   = "mx2.${local.domain}"
  group      = group.europe.germany
  depends_on = [server.mx1] # while mx1 is down, incidents of mx2 are recorded and not sent
}

imap_check "mx2_imaps" { # in a server by reference; the id is mx2_imaps
  server = server.mx2
}

imap_check "partner" { # independent of any server, with everything that a check can say
  label                = "Partner mailbox"
  description          = "Where orders come in. Ask Anna first."
  runbook              = "https://wiki.example.org/partner-mailbox"
  hostname             = "imap.partner.example"
  port                 = 993 # default
  security             = "tls"
  interval             = "10m"
  timeout              = "30s" # default: this, or interval if that is less
  fault_tolerance      = "15m"
  recovery_tolerance   = "10m"
  reopen_within        = "1h"  # default; failing again this soon is the same incident
  retry_interval       = "15s" # default: this, or interval if that is less
  notification_roles   = [notification_role.it_team, notification_role.cto]
  also_notify          = [notification_role.ticketing]
  slo                  = 99.9 # promised availability in percent, for reports and the page
  remind               = "4h" # default; at most every "24h" while only degraded; "0s": never
  proxy_protocol       = "v2" # default: no header; "v1" or "v2" where the port expects one, as behind HAProxy
  group                = group.europe
  addresses            = "all" # default; "any", "ipv4", "ipv6"
  enabled              = true  # default; false: shown, not probed
  expect_greeting      = "Dovecot"
  require_capabilities = ["IDLE", "AUTH=PLAIN"]
  nodes                = 2                       # so many nodes probe it; default: 3, or all if there are fewer
  agree                = 2                       # so many have to see it fail; default: the majority of nodes
  locations            = ["frankfurt", "london"] # default: all
  depends_on           = [imap_check["mx1/imaps"]]

  thresholds { # slower than this: degraded
    dns      = "500ms"
    connect  = "300ms"
    tls      = "1s"
    greeting = "2s"
    login    = "2s"
    select   = "1s"
    total    = "5s"
  }

  tls {                                      # there is no way to skip verification
    server_name     = "imap.partner.example" # default: hostname
    ca_file         = "files/ca.pem"         # default: the system's authorities
    pin_sha256      = ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
    min_version     = "1.2" # default
    expiry_warning  = "21d" # default: this, or a third of the lifetime if that is less
    expiry_critical = "3d"  # default: this, or a tenth
    cert_file       = "files/client.pem"
    key_file        = "client.key"
  }

  login { # never on an unencrypted connection
    username  = "probe@partner.example"
    password  = credential("partner")
    mechanism = "SCRAM-SHA-256" # default: the best that both offer; then PLAIN or LOGIN is tried where SCRAM is refused
    mailbox   = "INBOX"         # EXAMINEd
    every     = "30m"           # default: each probe
  }
}

imap_check "cloud" { # OAuth: with a token, or with what gets one
  hostname = "imap.cloud.example"
  login {
    username      = "probe@cloud.example"
    mechanism     = "XOAUTH2"
    token_url     = "https://login.cloud.example/oauth2/token"
    client_id     = "imapvigil"
    client_secret = credential("cloud")
    scopes        = ["https://mail.cloud.example/IMAP.AccessAsApp"]
  }
}

imap_check "cloud_token" {
  hostname = "imap.cloud.example"
  enabled  = false
  login {
    username  = "probe@cloud.example"
    mechanism = "OAUTHBEARER"
    token     = credential("cloud-token")
  }
}

# ---- Blocks that repeat -----------------------------------------------------
# Inside dynamic "server" the word server is the current element. for_each and
# labels can use locals and functions.

dynamic "server" {
  for_each = local.shops
  labels   = ["shop-${server.key}"]
  content {
    label    = "Shop ${title(server.key)}"
    hostname = server.value

    dynamic "imap_check" {
      for_each = { imaps = 993, starttls = 143 }
      labels   = [imap_check.key]
      content {
        port = imap_check.value
      }
    }
  }
}

# ---- Planned work: nothing is sent about what it applies to -----------------

maintenance "move" { # once
  timezone   = "Europe/Berlin"
  start      = "2026-03-07T22:00:00"
  end        = "2026-03-08T06:00:00"
  applies_to = [server.mx2]
}

maintenance "patch_tuesday" { # repeated, as RFC 5545 says
  timezone   = "Europe/Berlin"
  start      = "2026-01-06T02:00:00"
  duration   = "2h"
  rrule      = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
  except     = ["2026-12-22"] # not before the holidays
  applies_to = [group.europe, imap_check.partner]
}

maintenance "backup" { # every week
  timezone   = "Europe/Berlin"
  weekly     = ["sun 03:00-04:00"]
  applies_to = [server.mx1, imap_check["shop-berlin/imaps"]]
}

# ---- A rename keeps history and open incidents ------------------------------

moved {
  from = "mx1/webmail"
  to   = "mx1/imaps"
}

# ---- What is kept of what was measured --------------------------------------

history {
  detail    = "48h"  # default; each probe, for charts
  hourly    = "90d"  # default; the figures of each hour
  daily     = "400d" # default; the figures of each day
  incidents = "5y"   # default; incidents and maintenance, from which availability is computed
  max_size  = "4GiB" # default; beyond it the oldest probes are deleted first
}

# ---- The status page, the API and metrics -----------------------------------
# They are at daemon.listen; imapvigil-page(7) has more on users, tokens and proxies.

page {
  title         = "Mail at example.org"
  timezone      = "Europe/Berlin"        # of days, bars and reports; default: daemon's
  users_file    = "files/users.htpasswd" # who may log in: htpasswd -B
  operators     = ["anna", "@mail-ops"]  # may test, acknowledge, silence and write notes; others look
  tokens_file   = "files/tokens"         # programs: lines "name right sha256"; metrics, read or operate
  cert_file     = "files/page.pem"
  key_file      = "page.key"
  public_groups = [group.europe] # everybody sees these at /p/, without hosts and causes
  metrics       = "full"         # default; "summary": no phases and addresses; "off"
  probe_any     = false          # default; true: /probe asks hosts that no check declares

  access "shops" { # these users see these groups and nothing else
    users  = ["carla"]
    groups = [group.europe.germany]
  }

  trusted_proxy { # a reverse proxy that logs people in and names them in a header
    from          = ["127.0.0.1/32"]
    user_header   = "Remote-User" # default; "": it names nobody
    groups_header = "Remote-Groups"
  }

  oidc { # an OpenID provider to log in with
    issuer        = "https://id.example.org"
    client_id     = "imapvigil"
    client_secret = credential("oidc")
    groups_claim  = "groups"
  }
}

report "customers" {                     # sent by email when a period is over
  every    = "month"                     # "week", "month" or "quarter"
  group    = group.europe                # default: everything
  timezone = "Europe/Berlin"             # default: page's
  roles    = [notification_role.it_team] # at their email destinations
  public   = true                        # default: false; true: labels only, for people outside
}

announcement "move" { # a notice on the page; its times are in the page's timezone
  from   = "2036-03-07T20:00:00"
  until  = "2036-03-08T08:00:00"
  kind   = "maintenance"  # default: "info"; "maintenance", "outage"
  groups = [group.europe] # default: everything
  text   = "We move to a new data centre."
}

correction "fibre" { # what a time counts as afterwards; every report lists it
  applies_to = [group.europe]
  start      = "2026-02-01T10:00:00"
  end        = "2026-02-01T11:30:00"
  timezone   = "Europe/Berlin" # default: page's
  count_as   = "unknown"       # "maintenance", "up", "down" or "unknown"
  reason     = "Our own line was cut."
}
