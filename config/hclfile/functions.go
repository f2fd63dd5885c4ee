package hclfile

import (
	"encoding/base64"
	"fmt"
	"maps"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// callError is what a function of ours has to say, under its rule.
type callError struct {
	rule *rule
	complaint
}

func (e *callError) Error() string { return e.full }

// refuse returns an error that repeats no argument.
func refuse(r *rule, format string, args ...any) error {
	return &callError{r, plainly(fmt.Sprintf(format, args...))}
}

// passSecrets are the functions that may be given a secret: what they give is
// one too, and none of their complaints holds an argument.
var passSecrets = map[string]function.Function{
	"format":       stdlib.FormatFunc,
	"join":         stdlib.JoinFunc,
	"trimspace":    stdlib.TrimSpaceFunc,
	"concat":       stdlib.ConcatFunc,
	"base64encode": onText(func(s string) (string, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
}

// standard are the functions of cty's library and their like. They are given
// no secrets: their complaints may hold an argument.
var standard = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "chomp": stdlib.ChompFunc, "chunklist": stdlib.ChunklistFunc,
	"coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
	"contains": stdlib.ContainsFunc, "csvdecode": explained("csvdecode", stdlib.CSVDecodeFunc, wrongCSV), "distinct": stdlib.DistinctFunc,
	"element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc, "floor": stdlib.FloorFunc,
	"formatdate": stdlib.FormatDateFunc, "formatlist": stdlib.FormatListFunc, "hasindex": stdlib.HasIndexFunc,
	"indent": stdlib.IndentFunc, "index": stdlib.IndexFunc, "int": stdlib.IntFunc,
	"jsondecode": explained("jsondecode", stdlib.JSONDecodeFunc, wrongJSON), "jsonencode": stdlib.JSONEncodeFunc, "keys": stdlib.KeysFunc,
	"length": stdlib.LengthFunc, "log": stdlib.LogFunc, "lookup": stdlib.LookupFunc, "lower": stdlib.LowerFunc,
	"max": stdlib.MaxFunc, "merge": stdlib.MergeFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc,
	"pow": stdlib.PowFunc, "range": stdlib.RangeFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
	"regexreplace": stdlib.RegexReplaceFunc, "replace": stdlib.ReplaceFunc, "reverse": stdlib.ReverseListFunc,
	"setintersection": stdlib.SetIntersectionFunc, "setproduct": stdlib.SetProductFunc,
	"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "signum": stdlib.SignumFunc,
	"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "split": stdlib.SplitFunc, "strlen": stdlib.StrlenFunc,
	"strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "timeadd": stdlib.TimeAddFunc,
	"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc,
	"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc, "values": stdlib.ValuesFunc,
	"zipmap": stdlib.ZipmapFunc,

	"tobool": stdlib.MakeToFunc(cty.Bool), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)),

	"yamldecode":   explained("yamldecode", ctyyaml.YAMLDecodeFunc, wrongYAML),
	"base64decode": onText(decodeBase64),
	"env":          env(nil), // functionsIn has that of the snapshot
}

// plainFunctions are the functions that do not depend on where they are
// called.
var plainFunctions = func() map[string]function.Function {
	all := map[string]function.Function{"try": tryfunc.TryFunc, "can": tryfunc.CanFunc}
	maps.Copy(all, passSecrets)
	for name, f := range standard {
		all[name] = withoutSecrets(name, f)
	}
	return all
}()

// functionsIn returns the functions for expressions in a directory: file starts from
// there.
func (r *reader) functionsIn(dir string) map[string]function.Function {
	all := maps.Clone(plainFunctions) // shared by all loaders, so it is not changed
	all["file"] = withoutSecrets("file", onText(func(path string) (string, error) { return r.file(dir, path) }))
	all["env"] = withoutSecrets("env", env(r.snapshot.Options().LookupEnv))
	all["credential"] = withoutSecrets("credential", r.credentialFunction())
	if r.snapshot.IsRestored() {
		// Only here, so that nobody can write it in a file.
		all["withheld"] = r.withheldFunction()
	}
	return all
}

// withoutSecrets returns a function that refuses sensitive arguments.
func withoutSecrets(name string, f function.Function) function.Function {
	params := append([]function.Parameter{}, f.Params()...)
	for i := range params {
		// Without this cty takes the mark off and puts it on the result, and the function
		// sees the secret; complaints of a function may hold its arguments.
		params[i].AllowMarked = true
	}
	rest := f.VarParam()
	if rest != nil {
		marked := *rest
		marked.AllowMarked = true
		rest = &marked
	}
	return function.New(&function.Spec{
		Description: f.Description(),
		Params:      params,
		VarParam:    rest,
		Type: func(args []cty.Value) (cty.Type, error) {
			for _, arg := range args {
				if arg.ContainsMarked() {
					return cty.NilType, refuse(ruleSensitiveFunction, "%s() must not be given a secret from credential(). Only format, join, concat, trimspace and base64encode may.", name)
				}
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// onText returns a function of expressions from a text to a text.
func onText(do func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "text", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := do(args[0].AsString())
			return cty.StringVal(text), err
		},
	})
}

func decodeBase64(text string) (string, error) {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", refuse(ruleExpression, "base64decode was given a string that is not base64.")
	}
	return string(decoded), nil
}
