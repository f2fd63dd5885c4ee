package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/imapvigil/imapvigil/config/access"
	"github.com/imapvigil/imapvigil/config/atomicfile"
	"github.com/imapvigil/imapvigil/config/opaque"
	"github.com/imapvigil/imapvigil/daemon/bus"
)

// busKeyName is the credential of the seed: key = credential("bus-key") in the files.
const busKeyName = "bus-key"

// toOutput is the FILE of --out that stands for the standard output.
const toOutput = "-"

func (p *program) nodesKeyCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "key",
		Short: "Make the key of this node, and print its public half",
		Long: "Make the key of this node, by which the NATS servers know it. Its seed is the\n" +
			`secret half: it stays on the node, where key = credential("bus-key") finds it.` + "\n" +
			"The public half is printed; every node and server may know it.\n\n" +
			"A node that has a key keeps it. For a new one, remove the file of the seed first.",
		Example: examples(
			"On each node", "sudo imapvigil nodes key",
			"The seed in another file", "imapvigil nodes key --out fra1.seed",
			"The seed into a vault, and nowhere else", "imapvigil nodes key --out - | vault-put imapvigil/fra1",
		),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			if out == toOutput {
				return p.printNewSeed()
			}
			if out == "" {
				out = p.busKeyFile()
				if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
					return deniedOr(filepath.Dir(out), err)
				}
			}
			return p.makeNodeKey(out)
		},
	}
	c.Flags().StringVar(&out, "out", "", `file of the seed; "-" prints the seed (default: the credential bus-key)`)
	p.placeFlags(c, configFlag)
	return c
}

// printNewSeed prints the seed of a new key, and its public half where people look.
func (p *program) printNewSeed() error {
	seed, public, err := bus.NewKey()
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(p.err, "The public half of this seed is %s\n", public)
	p.printf("%s\n", seed.Reveal())
	return nil
}

// busKeyFile returns where credential("bus-key") looks.
func (p *program) busKeyFile() string {
	dir := p.configPath
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	return filepath.Join(dir, "credentials", busKeyName)
}

// makeNodeKey prints the public half of the key in a file, and makes one if there is none.
func (p *program) makeNodeKey(path string) error {
	seed, err := readSeed(path)
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		seed, err = writeNewSeed(path)
	}
	if err != nil {
		return err
	}
	public, err := bus.PublicOf(seed)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text := "%s has a key already. Its public half, for the files:"
	if made {
		text = "The seed is in %s, and stays there. Its public half, for the files:"
	}
	_, _ = fmt.Fprintf(p.err, "%s\n", p.fold("", fmt.Sprintf(text, path)))
	p.printf("%s\n", public)
	return nil
}

func readSeed(path string) (opaque.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return opaque.Secret{}, deniedOr(path, err)
	}
	return opaque.NewSecret(string(text)), nil
}

// writeNewSeed writes the seed of a new key where only this user reads it, and in a directory of
// the daemon's also its group.
func writeNewSeed(path string) (opaque.Secret, error) {
	seed, _, err := bus.NewKey()
	if err != nil {
		return opaque.Secret{}, err
	}
	err = atomicfile.Write(path, []byte(seed.Reveal()+"\n"), access.Confine)
	if err != nil {
		return opaque.Secret{}, fmt.Errorf("the seed cannot be written: %w", deniedOr(filepath.Dir(path), err))
	}
	return seed, nil
}
