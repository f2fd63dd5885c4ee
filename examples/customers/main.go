// Customers shows 400 customers in a file each, as a template of a deployment
// tool would write them, in a directory that exists:
//
//	go run ./examples/customers /tmp/customers
//	imapvigil validate --no-credentials /tmp/customers
package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"text/template"
)

var (
	//go:embed common.hcl
	common []byte
	//go:embed customer.hcl.tmpl
	customerText string
)

const customers = 400

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: customers DIRECTORY")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "customers:", err)
		os.Exit(1)
	}
}

// write fills a directory with the common file and one for each customer.
func write(dir string) error {
	page, err := template.New("customer").Parse(customerText)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	errs := root.WriteFile("common.hcl", common, 0o600)
	for i := range customers {
		name := fmt.Sprintf("c%03d", i+1)
		var text bytes.Buffer
		err := page.Execute(&text, struct{ Name, Label string }{name, fmt.Sprintf("Customer %d", i+1)})
		errs = errors.Join(errs, err, root.WriteFile(name+".hcl", text.Bytes(), 0o600))
	}
	return errs
}
