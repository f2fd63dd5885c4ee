package main

import (
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
	"github.com/imapvigil/imapvigil/config/source"
)

func TestFourHundredCustomers(t *testing.T) {
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	s, err := source.Read(dir, source.Options{NoCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg, diags := hclfile.Load(s)
	if cfg == nil || len(diags) > 0 {
		t.Fatal(diags)
	}
	if len(s.Files()) != customers+1 || len(cfg.Checks) != 2*customers || len(cfg.Roles) != customers+1 {
		t.Errorf("%d files, %d checks, %d roles", len(s.Files()), len(cfg.Checks), len(cfg.Roles))
	}
}
