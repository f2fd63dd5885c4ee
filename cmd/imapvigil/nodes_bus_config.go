package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config"
	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
	"github.com/imapvigil/imapvigil/daemon/bus/serverfiles"
)

// busConfigOptions are the flags of `nodes bus-config`.
type busConfigOptions struct {
	out, server string
	renew       bool
}

func (p *program) nodesBusConfigCommand() *cobra.Command {
	var o busConfigOptions
	c := &cobra.Command{
		Use:   "bus-config",
		Short: "Write what the NATS servers need: configuration and certificates",
		Long: "Write what the NATS servers need that the cluster block of the files names: for\n" +
			"each a directory with its nats-server.conf, its certificate and its key, which\n" +
			"belong to " + serverfiles.Directory + " there; and ca.pem, which ca_file names on every node.\n\n" +
			"Certificates are made once: given the same directory again, the command keeps\n" +
			"those that are valid. The directory also has ca.key, which makes them. Nobody\n" +
			"else may have it: with it, servers can be made that the nodes take for theirs.",
		Example: examples(
			"On one machine, and always into the same directory", "sudo imapvigil nodes bus-config --out /root/bus",
			"One of the servers", "sudo imapvigil nodes bus-config --out /root/bus --server fra1.example.net",
			"New certificates, before the old ones end", "sudo imapvigil nodes bus-config --out /root/bus --renew",
		),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return p.writeBusConfig(o) },
	}
	c.Flags().StringVar(&o.out, "out", "bus", "directory to write into")
	c.Flags().StringVar(&o.server, "server", "", "write the files of this server alone")
	c.Flags().BoolVar(&o.renew, "renew", false, "make new certificates, also where the old ones are valid")
	p.placeFlags(c, configFlag)
	return c
}

func (p *program) writeBusConfig(o busConfigOptions) error {
	if err := os.MkdirAll(o.out, 0o700); err != nil {
		return err
	}
	authority, err := p.busAuthority(o.out)
	if err != nil {
		return err
	}
	cluster, servers, err := p.busServers(o, authority)
	if err != nil {
		return err
	}
	p.printf("%s  authority, valid until %s\n", filepath.Join(o.out, serverfiles.AuthorityFile),
		authority.until.Format(time.DateOnly))
	for _, server := range servers {
		if err := p.writeServer(o, cluster, server, authority); err != nil {
			return err
		}
	}
	p.printBusNext(o.out, cluster, servers)
	return nil
}

// A busAuthority makes the certificates of the servers.
type busAuthority struct {
	serverfiles.Pair
	until time.Time
}

// busAuthority returns the authority in a directory, and makes one if there is none.
func (p *program) busAuthority(dir string) (a busAuthority, err error) {
	certificate, key := filepath.Join(dir, serverfiles.AuthorityFile), filepath.Join(dir, "ca.key")
	a.Pair, err = readPair(certificate, key)
	if errors.Is(err, os.ErrNotExist) && len(a.Certificate)+len(a.Key) == 0 {
		a.Pair, err = serverfiles.NewAuthority(p.now())
		if err == nil {
			err = writePair(a.Pair, certificate, key)
		}
	}
	if err != nil {
		return a, fmt.Errorf("the authority: %w", err)
	}
	if a.until, err = a.Ends(); err != nil {
		return a, fmt.Errorf("the authority in %s: %w", dir, err)
	}
	if !a.until.After(p.now()) {
		return a, fmt.Errorf("the authority in %s has ended. Write into a new directory, and put its ca.pem where ca_file "+
			"is, on every node", dir)
	}
	return a, nil
}

// busServers returns the cluster of the files and those of its servers that are wanted.
func (p *program) busServers(o busConfigOptions, authority busAuthority) (*config.Cluster, []serverfiles.Server, error) {
	cfg, err := p.loadWithAuthority(filepath.Join(o.out, serverfiles.AuthorityFile))
	if err != nil {
		return nil, nil, err
	}
	if cfg.Cluster == nil {
		return nil, nil, errors.New("the files have no cluster block, so there are no servers to configure")
	}
	if ca := cfg.Cluster.CA.Text(); ca != "" && !strings.Contains(ca, strings.TrimSpace(string(authority.Certificate))) {
		return nil, nil, fmt.Errorf("ca_file names another authority than %s, so nodes would refuse these servers. Give "+
			"--out the directory that was used before, or put this ca.pem where ca_file is",
			filepath.Join(o.out, serverfiles.AuthorityFile))
	}
	servers, err := serverfiles.Servers(cfg.Cluster)
	if err != nil || o.server == "" {
		return cfg.Cluster, servers, err
	}
	i := slices.IndexFunc(servers, func(s serverfiles.Server) bool { return s.Host == o.server })
	if i < 0 {
		return nil, nil, fmt.Errorf("servers in the cluster block does not have %s", o.server)
	}
	return cfg.Cluster, servers[i : i+1], nil
}

// loadWithAuthority loads the files. What ca_file names is made by this command, so the first
// time it need not be there yet.
func (p *program) loadWithAuthority(authority string) (*config.Config, error) {
	o := source.Options{NoCredentials: true, Replace: map[string]string{}}
	if s, err := p.readSnapshot(p.configPath, o); err == nil {
		_, _ = hclfile.Load(s)
		for _, name := range s.Named() {
			if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
				o.Replace[name] = authority
			}
		}
	}
	return p.loadConfigWith(o, 1)
}

// writeServer writes the files of one server, and prints what there is.
func (p *program) writeServer(o busConfigOptions, cluster *config.Cluster, server serverfiles.Server, authority busAuthority) error {
	conf, err := serverfiles.Config(cluster, server)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.out, server.Host)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, serverfiles.ConfigFile), conf, 0o644); err != nil { //nolint:gosec // public halves of keys
		return err
	}
	if server.Plain {
		p.printf("%s  no certificate: only nodes on that machine reach it\n", dir)
		return nil
	}
	if err := os.WriteFile(filepath.Join(dir, serverfiles.AuthorityFile), authority.Certificate, 0o644); err != nil { //nolint:gosec // a certificate
		return err
	}
	until, made, err := p.certify(o, server.Host, dir, authority)
	if err != nil {
		return err
	}
	p.printf("%s  certificate %s, valid until %s\n", dir, made, until.Format(time.DateOnly))
	return nil
}

// renewWithin is how long before its end a certificate is called old.
const renewWithin = 90 * 24 * time.Hour

// certify makes the certificate of a server, unless there is one that nodes take. It returns what
// was done, in words.
func (p *program) certify(o busConfigOptions, host, dir string, authority busAuthority) (until time.Time, made string, err error) {
	certificate, key := filepath.Join(dir, serverfiles.CertificateFile), filepath.Join(dir, serverfiles.KeyFile)
	pair, err := readPair(certificate, key)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return until, "", err
	}
	until, unusable := authority.Until(pair, host, p.now())
	if unusable == nil && !o.renew {
		if until.Before(p.now().Add(renewWithin)) {
			return until, "kept (--renew makes a new one)", nil
		}
		return until, "kept", nil
	}
	made = "made"
	if len(pair.Certificate) > 0 {
		made = "renewed"
	}
	if pair, err = authority.Issue(host, p.now()); err != nil {
		return until, "", err
	}
	if until, err = authority.Until(pair, host, p.now()); err != nil {
		return until, "", err
	}
	return until, made, writePair(pair, certificate, key)
}

// readPair reads a certificate and its key. With an error it returns what there is of them.
func readPair(certificate, key string) (pair serverfiles.Pair, err error) {
	var noKey error
	pair.Certificate, err = os.ReadFile(certificate)
	pair.Key, noKey = os.ReadFile(key)
	return pair, errors.Join(err, noKey)
}

// writePair writes a certificate, and its key where only this user reads it.
func writePair(pair serverfiles.Pair, certificate, key string) error {
	if err := os.Remove(key); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // what can be read by others would stay so
	}
	return errors.Join(
		os.WriteFile(key, pair.Key, 0o600),
		os.WriteFile(certificate, pair.Certificate, 0o644), //nolint:gosec // a certificate
	)
}

func (p *program) printBusNext(out string, cluster *config.Cluster, servers []serverfiles.Server) {
	p.printf("\n%s\n", p.fold("", fmt.Sprintf("What is in the directory of a server belongs to %s there, and ca.pem "+
		"where ca_file is, on every node. Keep %s, and let nobody else have it.",
		serverfiles.Directory, filepath.Join(out, "ca.key"))))
	if cluster.CA.Text() == "" && !servers[0].Plain {
		p.printf("%s\n", p.fold("", `The cluster block has no ca_file, so nodes would refuse these servers. Write ca_file = "bus-ca.pem".`))
	}
	if slices.ContainsFunc(servers, func(s serverfiles.Server) bool { return s.WebSocket > 0 && s.WebSocket < 1024 }) {
		p.printf("%s\n", p.fold("",
			"A server may use the port of wss:// only after a change of its unit; imapvigil-nodes(7) has the lines."))
	}
}
