// Writes what Go's own text/template, with sprig, makes of our cases. See README.md.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// testCase is one row of a file of cases; expected is the row with what came of it.
type testCase struct {
	Name     string          `json:"name"`
	Template string          `json:"template"`
	Data     json.RawMessage `json:"data,omitempty"`
	Options  []string        `json:"options,omitempty"`
}

type expected struct {
	testCase
	Output *string `json:"output,omitempty"`
	// Go's message, without what a controller puts before it.
	Error string `json:"error,omitempty"`
	// parse or execute, where there is an error.
	Stage string `json:"stage,omitempty"`
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . FOLDER-OF-EXPECTED CASES.json ...")
		os.Exit(2)
	}
	for _, path := range os.Args[2:] {
		if err := writeExpected(path, filepath.Join(os.Args[1], filepath.Base(path))); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func writeExpected(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var cases []testCase
	if err := json.Unmarshal(text, &cases); err != nil {
		return err
	}
	names := map[string]bool{}
	var out bytes.Buffer
	out.WriteString("[\n")
	for index, row := range cases {
		if names[row.Name] {
			return fmt.Errorf("two cases are named %q", row.Name)
		}
		names[row.Name] = true
		line, err := oneLine(run(row))
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		if index > 0 {
			out.WriteString(",\n")
		}
		out.WriteString("  " + line)
	}
	out.WriteString("\n]\n")
	return os.WriteFile(to, out.Bytes(), 0o644)
}

func oneLine(row expected) (string, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(row)
	return strings.TrimSuffix(line.String(), "\n"), err
}

func run(row testCase) (result expected) {
	result.testCase = row
	result.Stage = "parse"
	defer func() {
		if problem := recover(); problem != nil {
			result.Error = fmt.Sprintf("panic: %v", problem)
		}
	}()
	data, err := decode(row.Data)
	if err != nil {
		panic(err)
	}
	parsed, err := template.New("base").Funcs(functions()).Option(row.Options...).Parse(row.Template)
	if err != nil {
		result.Error = err.Error()
		return
	}
	result.Stage = "execute"
	var output bytes.Buffer
	if err := parsed.Execute(&output, data); err != nil {
		result.Error = err.Error()
		return
	}
	text := output.String()
	result.Output, result.Stage = &text, ""
	return
}
