// SPDX-License-Identifier: Apache-2.0

// render renders a Helm chart as `helm template` does: the Go templates, the sprig functions and the
// YAML library are those that Helm is made of; what Helm adds to them and this chart uses is below.
// It has no subcharts, hooks, lookups or capabilities, and refuses what it does not know.
//
//	render [--values FILE]... [--set a.b=VALUE]... [--namespace NAME] [--managed-by NAME] [--notes] CHART
//
// prints a "# Source: <template>" line and the manifests of each template that made any.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

type textList []string

func (s *textList) String() string     { return strings.Join(*s, ",") }
func (s *textList) Set(v string) error { *s = append(*s, v); return nil }

// files is .Files of a chart.
type files struct{ chart string }

func (f files) Get(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(f.chart, name))
	return string(text), err
}

func readYAML(path string) (object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := object{}
	if err := yaml.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// merge puts `over` over `under`, as Helm does with values: objects key by key, null removes.
func merge(under, over object) object {
	for key, value := range over {
		below, isObject := under[key].(object)
		above, bothObjects := value.(object)
		switch {
		case value == nil:
			delete(under, key)
		case isObject && bothObjects:
			under[key] = merge(below, above)
		default:
			under[key] = value
		}
	}
	return under
}

// setting is the object of one --set a.b=VALUE; the value is YAML.
func setting(text string) (object, error) {
	name, value, found := strings.Cut(text, "=")
	if !found {
		return nil, fmt.Errorf("--set %s: not name=value", text)
	}
	var parsed interface{}
	if err := yaml.Unmarshal([]byte(value), &parsed); err != nil {
		return nil, fmt.Errorf("--set %s: %w", text, err)
	}
	parts := strings.Split(name, ".")
	for i := len(parts) - 1; i > 0; i-- {
		parsed = object{parts[i]: parsed}
	}
	return object{parts[0]: parsed}, nil
}

// functions are sprig's, without those that Helm takes away, and Helm's own.
func functions(all *template.Template) template.FuncMap {
	known := sprig.TxtFuncMap()
	delete(known, "env")
	delete(known, "expandenv")
	known["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	known["fromYaml"] = func(text string) (object, error) {
		out := object{}
		return out, yaml.Unmarshal([]byte(text), &out)
	}
	known["fromYamlArray"] = func(text string) ([]interface{}, error) {
		var out []interface{}
		err := yaml.Unmarshal([]byte(text), &out)
		return out, err
	}
	known["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	known["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	return known
}

func templateFiles(chart string) ([]string, error) {
	var found []string
	root := filepath.Join(chart, "templates")
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			found = append(found, path)
		}
		return err
	})
	sort.Strings(found)
	return found, err
}

// context is what a template sees.
func context(chart, namespace, managedBy string, values object) (object, error) {
	described, err := readYAML(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		return nil, err
	}
	return object{
		"Values": values,
		// Helm has a structure with these names.
		"Chart":   object{"Name": described["name"], "Version": described["version"], "AppVersion": described["appVersion"]},
		"Release": object{"Name": "vakt", "Namespace": namespace, "Service": managedBy},
		"Files":   files{chart},
	}, nil
}

func render(chart string, data object, notes bool) error {
	paths, err := templateFiles(chart)
	if err != nil {
		return err
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := all.New(path).Parse(string(text)); err != nil {
			return err
		}
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") || notes != (name == "NOTES.txt") {
			continue
		}
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, path, data); err != nil {
			return err
		}
		text := strings.TrimSpace(out.String())
		if strings.Contains(text, "<no value>") {
			return fmt.Errorf("%s: uses a value that nothing sets", path)
		}
		if text == "" {
			continue
		}
		relative, _ := filepath.Rel(chart, path)
		fmt.Printf("---\n# Source: %s\n%s\n", relative, strings.TrimPrefix(text, "---\n"))
	}
	return nil
}

func run() error {
	var valueFiles, settings textList
	flag.Var(&valueFiles, "values", "file of values over those of the chart")
	flag.Var(&settings, "set", "a.b=VALUE over those")
	namespace := flag.String("namespace", "vakt", "namespace of the release")
	managedBy := flag.String("managed-by", "Helm", "what applies the manifests")
	notes := flag.Bool("notes", false, "only what is printed after an installation")
	flag.Parse()
	if flag.NArg() != 1 {
		return fmt.Errorf("one chart, please")
	}
	chart := filepath.Clean(flag.Arg(0))
	values, err := readYAML(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	for _, path := range valueFiles {
		over, err := readYAML(path)
		if err != nil {
			return err
		}
		values = merge(values, over)
	}
	for _, text := range settings {
		over, err := setting(text)
		if err != nil {
			return err
		}
		values = merge(values, over)
	}
	data, err := context(chart, *namespace, *managedBy, values)
	if err != nil {
		return err
	}
	return render(chart, data, *notes)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}
