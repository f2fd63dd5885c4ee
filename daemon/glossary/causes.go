package glossary

import "github.com/imapvigil/imapvigil/config"

// causes explains the causes. What the cause is in a few words stands in its own table
// ([config.Cause.Text]); here is what lies behind it.
var causes = map[config.Cause]Entry{
	config.CauseNoSuchName: {
		"DNS says that the name does not exist (NXDOMAIN).",
		"Look for a typing error in hostname, for an expired domain, and for a record that was removed.",
	},
	config.CauseNoAddress: {
		"The name exists, but has neither an A nor an AAAA record, or none of the family that addresses asks for.",
		"Add the record, or correct hostname or addresses.",
	},
	config.CauseDNSFailure: {
		"The name servers of the domain answer with an error (SERVFAIL, REFUSED), or not at all. A wrong DNSSEC signature looks like this, too.",
		"Test the name servers of the domain: dig +trace HOST, and dig +cd HOST for DNSSEC.",
	},
	config.CauseTimeout: {
		"There was no answer in time. The phase says what was waited for: in dns the name server, in connect the host or a firewall that drops packets, later the server itself.",
		"In connect, see whether the host is up and the firewall lets this machine in. In tls and greeting, see whether the server hangs or has reached its limit of processes. In login and select, look at what lies behind it: directory, database, storage.",
	},
	config.CauseRecordUnanswered: {
		"The name server answered for IPv4 and not for IPv6, or the reverse. The addresses that it gave are probed.",
		"Repair the name server if it stays so: some programs wait for the missing answer.",
	},
	config.CauseAddressPartial: {
		"At least one address of the host works and at least one fails. The hint names them with their causes.",
		"Repair the failing address, or take it out of DNS. To watch only one family, write addresses = \"ipv4\" or \"ipv6\".",
	},
	config.CauseWithdrawn: {
		"An address that failed has not been in DNS for 10 minutes, so it is no longer probed.",
		nothing,
	},
	config.CauseRefused: {
		"The host answers, and nothing listens on the port, or a firewall rejects the connection.",
		"See on the host whether the IMAP server runs and listens: systemctl status dovecot, ss -ltn.",
	},
	config.CauseUnreachable: {
		"A router in between, or this machine, says that there is no route to the host.",
		"See whether the host is up, and look at routes and firewalls: traceroute HOST.",
	},
	config.CauseReset: {
		"The connection was cut off (TCP reset), by the server, a proxy or a firewall.",
		"Look into the log of the server for a crash at that time, and into that of a firewall or load balancer between.",
	},
	config.CauseClosed: {
		"The server closed the connection without saying why.",
		"Look into its log: a limit on connections, a ban of this machine (fail2ban), or a proxy whose server is down. A port that expects the PROXY protocol does so, too (proxy_protocol).",
	},
	config.CauseTLSOnPlainPort: {
		"The check expects a greeting without TLS, and the port speaks TLS from the start.",
		"Write security = \"tls\", or use port 143.",
	},
	config.CauseLineTooLong: {
		"A line of the server has more than 8 KiB. imapvigil stops reading then.",
		"See what answers on the port: imapvigil test CHECK --transcript.",
	},
	config.CauseTooMuchData: {
		"The server sent more than 256 KiB where a few lines are expected.",
		"See what answers on the port: imapvigil test CHECK --transcript.",
	},
	config.CauseBye: {
		"The server ended the session and said why; its reply is quoted.",
		"Read its reply. Often it is being restarted, is too busy, or refuses this address.",
	},
	config.CauseConnectionLimit: {
		"The server says that there are too many connections, in all, from this address or for this account.",
		"Raise the limit (Dovecot: mail_max_userip_connections, process_limit), find who holds the connections, or probe less often.",
	},
	config.CausePreauth: {
		"The server greets with PREAUTH: it treats everybody who connects as logged in, without a password.",
		"Correct this in the server at once if the port can be reached by others. No check can watch a server that greets with PREAUTH on purpose.",
	},
	config.CauseNotIMAP: {
		"What answers is not IMAP, but HTTP, SMTP, POP3 or something else.",
		"Correct port, or the forwarding in front of the server.",
	},
	config.CauseGreetingMismatch: {
		"The greeting does not contain what expect_greeting says.",
		"See whether another server answers than before. Correct expect_greeting if it was upgraded.",
	},
	config.CauseProtocolError: {
		"An answer of the server breaks the rules of IMAP.",
		"See it with imapvigil test CHECK --transcript. A proxy or a virus scanner between often is the reason.",
	},
	config.CauseNotAdvertised: {
		"The server does not offer STARTTLS on this port, so people's passwords would travel unencrypted.",
		"Switch TLS on in the server (Dovecot: ssl = required), or watch port 993. If the server itself does offer STARTTLS, somebody in between removes it and may be listening: compare from another network.",
	},
	config.CauseStartTLSRefused: {
		"The server offers STARTTLS and then refuses it, mostly because it cannot read its certificate or key.",
		"Look into its log after the last renewal of the certificate.",
	},
	config.CausePlaintextAfterOK: {
		"Unencrypted data came after the answer to STARTTLS. Somebody between may have put it there, or the server is out of date.",
		"Update the server. Compare from another network.",
	},
	config.CauseCapabilityMissing: {
		"The server does not offer something that require_capabilities or the login of the check needs.",
		"Switch it on in the server, or correct require_capabilities or mechanism.",
	},
	config.CauseNotTLS: {
		"The check expects TLS, and what answers does not speak it.",
		"Write security = \"starttls\" for a port like 143, or look at what listens there.",
	},
	config.CauseCertExpired: {
		"The certificate, or one of its chain, has expired. People see warnings, or cannot read their mail.",
		"Renew it, and reload the IMAP server. If it was renewed, the server still uses the old one: reload it.",
	},
	config.CauseCertNotYetValid: {
		"The certificate becomes valid in the future.",
		"Compare the clocks of both machines. Else wait, or use the old certificate.",
	},
	config.CauseCertUntrusted: {
		"The certificate is from no authority that this machine trusts: it is self-signed, or from a private authority.",
		"Write tls { ca_file = \"...\" } with the certificate of the authority, or tls { pin_sha256 = [\"...\"] }, which the hint gives. See imapvigil-howto(7).",
	},
	config.CauseChainIncomplete: {
		"The server sends its own certificate and not the intermediate one. Some programs know it and work, others do not.",
		"Configure the whole chain in the server (certbot: fullchain.pem).",
	},
	config.CauseNameMismatch: {
		"The certificate is for other names than the one that was asked for. The hint lists them.",
		"Get a certificate for the name, or correct hostname. If the check uses an address, write tls { server_name = \"...\" }.",
	},
	config.CausePinMismatch: {
		"The key of the certificate is none of those in pin_sha256.",
		"If the certificate was renewed with a new key, add its pin, which the hint gives. If not, somebody else answers.",
	},
	config.CauseWeakSignature: {
		"The certificate is signed with SHA-1 or MD5, which programs no longer accept.",
		"Get a new certificate.",
	},
	config.CauseWeakKey: {
		"The key of the certificate is too short.",
		"Get a new certificate, with an RSA key of 2048 bits or more, or an ECDSA key.",
	},
	config.CauseProtocolTooOld: {
		"The server speaks only versions of TLS below min_version, which is 1.2 by default.",
		"Update the server or its TLS settings (Dovecot: ssl_min_protocol). Programs of people refuse such versions, too.",
	},
	config.CauseTLSFailure: {
		"The TLS handshake failed for a reason that has no cause of its own in this list; the hint quotes it.",
		"Compare with openssl s_client, and look into the log of the server.",
	},
	config.CauseHandshakeFailed: {
		"Server and imapvigil have no cipher suite, group or kind of key in common.",
		"Update the TLS settings of the server.",
	},
	config.CauseLargeClientHello: {
		"The server fails when the first message of TLS is larger than one packet, as with keys that withstand quantum computers. A smaller one was sent, and works.",
		"Update the server, or the firewall or load balancer in front of it: programs of people send large ones, too.",
	},
	config.CauseClientCertRequired: {
		"The server demands a client certificate, and the check has none, or a wrong one.",
		"Write tls { cert_file = \"...\", key_file = \"...\" }, each on a line of its own.",
	},
	config.CauseCertExpiresSoon: {
		"The certificate, or one of its chain, expires within expiry_warning: 21 days, or a third of its lifetime if that is less.",
		"Renew it. If it is renewed automatically, find out why this failed: systemctl status certbot.timer.",
	},
	config.CauseCertChanged: {
		"The server shows another certificate than before.",
		"Nothing, if it was renewed.",
	},
	config.CauseCertsDiffer: {
		"The addresses of the host show different certificates.",
		"Nothing, if they are separate machines. Else the certificate was not renewed everywhere.",
	},
	config.CauseCredentialsRejected: {
		"The server rejects user name and password of the check.",
		"Correct username, or the file of credential(...), then: imapvigil recheck CHECK. See that the account is not locked.",
	},
	config.CauseLoginRefused: {
		"The server refuses the login without saying that the password is wrong.",
		"Look into the log of the server. The account may be locked, or not allowed to use IMAP.",
	},
	config.CauseBackendUnavailable: {
		"The server says that what it needs for logins does not work (UNAVAILABLE): directory, database, or a server behind it. Nobody can log in.",
		"Look at the directory (LDAP, SQL) or the servers behind the proxy.",
	},
	config.CauseAccountExpired: {
		"The server says that the password of the check's account has expired.",
		"Set a new one, and exempt the account from expiry.",
	},
	config.CauseContactAdmin: {
		"The server asks to contact its administrator; its words are quoted.",
		"Do what it says. The account may be locked, for example.",
	},
	config.CausePrivacyRequired: {
		"The server wants a better encrypted connection for this login.",
		"Use security = \"tls\", or another mechanism.",
	},
	config.CauseOverQuota: {
		"The mailbox of the check's account is full.",
		"Empty it, or raise its quota.",
	},
	config.CauseServerBug: {
		"The server says itself that something went wrong inside it (SERVERBUG).",
		"Look into its log.",
	},
	config.CausePolicy: {
		"A rule of the server forbids this login: by address, by time, or because the account may not use IMAP.",
		"Allow it in the server, or use another account. Exempt this machine from bans, see fail2ban in imapvigil-howto(7).",
	},
	config.CauseTokenRefused: {
		"The server does not accept the OAuth token of the check.",
		"Check scopes, and that the application may use the mailbox. For Microsoft 365 see imapvigil-howto(7).",
	},
	config.CauseTokenUnavailable: {
		"token_url gave no token; its answer is quoted.",
		"Check token_url, client_id, client_secret (they expire) and scopes.",
	},
	config.CauseLoginNotTried: {
		"The login was due and did not take place: another check used the same account, or the account pauses after rejections.",
		nothing + " If it stays so, give each check an account of its own, or write every in the login block.",
	},
	config.CauseSCRAMRefused: {
		"The server offers a SCRAM mechanism and refuses it, but accepts the password with another mechanism.",
		"Write mechanism = \"PLAIN\" in the login block, or set the password again in the server, so that it is stored for SCRAM.",
	},
	config.CauseMailboxMissing: {
		"The login works, and the mailbox of the login block does not exist.",
		"Correct mailbox, or create it.",
	},
	config.CauseMailboxInUse: {
		"The mailbox is locked by something else, for longer than it should be.",
		"Find the process on the server that holds the lock; often it hangs on storage.",
	},
	config.CauseAlert: {
		"The server sent an ALERT, which mail programs must show to people. It is quoted.",
		"Read it: mostly it is about quotas or planned work.",
	},
	config.CauseSlow: {
		"A phase, or the whole conversation, took longer than thresholds allow.",
		"Look at the load of the server, and at the network in between. Raise the threshold if the time is normal.",
	},
	config.CauseLocalFault: {
		"The machine of imapvigil is at fault: its network, its clock, its load, its disk, or its files. It is not reported as a failure of any server.",
		"Read the hint. systemctl status imapvigil and imapvigil status say more.",
	},
	config.CauseResolverDown: {
		"The name server that this machine uses does not answer, so no name can be looked up.",
		"Look at /etc/resolv.conf and the name server in it: resolvectl status.",
	},
	config.CauseUndelivered: {
		"A message could not be delivered for 3 minutes, whatever the error. It was sent to other destinations instead, where there are any.",
		"imapvigil deliveries shows the answer of the receiver. Then try: imapvigil notify-test ROLE.",
	},
}
