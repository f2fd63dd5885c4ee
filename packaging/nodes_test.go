package packaging_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imapvigil/imapvigil/config/hclfile"
)

const nodesPage = "man/imapvigil-nodes.7"

// TestNodesConfigurations loads each configuration of imapvigil-nodes(7): nothing is wrong with
// it, and it is formatted.
func TestNodesConfigurations(t *testing.T) {
	authority, err := os.ReadFile("../examples/nodes/bus-ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range configurations(t, nodesPage) {
		dir := t.TempDir()
		file := filepath.Join(dir, "nodes.hcl")
		write(t, filepath.Join(dir, "bus-ca.pem"), string(authority), 0o644)
		write(t, file, text, 0o644)
		write(t, filepath.Join(dir, "rest.hcl"), strings.Join(beginning, ""), 0o644)
		if cfg := loads(t, dir, file); cfg == nil || cfg.Cluster == nil || len(cfg.Cluster.Nodes) != 3 {
			t.Errorf("it loads as %+v:\n%s", cfg, text)
		}
		formatted, diags := hclfile.Format(file, []byte(text))
		if len(diags) > 0 || !bytes.Equal(formatted, []byte(text)) {
			t.Errorf("it is not formatted; as fmt writes it:\n%s", formatted)
		}
	}
}
