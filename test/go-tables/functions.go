package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/gosimple/slug"
	"sigs.k8s.io/yaml"
)

// functions are what a template of an ApplicationSet may call: sprig's without those that look at the machine, and the
// few of applicationsets.md 3.2 and 3.3 that are not sprig's.
func functions() template.FuncMap {
	all := sprig.GenericFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	delete(all, "getHostByName")
	all["normalize"] = normalize
	all["slugify"] = slugify
	all["toYaml"] = toYAML
	all["fromYaml"] = fromYAML
	all["fromYamlArray"] = fromYAMLArray
	return all
}

var notInName = regexp.MustCompile(`[^-a-z0-9.]`)

func normalize(name string) string {
	name = notInName.ReplaceAllString(strings.ToLower(name), "-")
	if len(name) > 253 {
		name = name[:253]
	}
	return strings.Trim(name, "-.")
}

func slugify(args ...any) string {
	maxLength, smart := 50, true
	if len(args) >= 2 {
		maxLength = args[0].(int)
	}
	if len(args) >= 3 {
		smart = args[1].(bool)
	}
	slug.MaxLength = maxLength
	slug.EnableSmartTruncate = smart
	return slug.Make(normalize(args[len(args)-1].(string)))
}

func toYAML(value any) (string, error) {
	text, err := yaml.Marshal(value)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(text), "\n"), nil
}

func fromYAML(text string) (map[string]any, error) {
	result := map[string]any{}
	err := yaml.Unmarshal([]byte(text), &result)
	return result, err
}

func fromYAMLArray(text string) ([]any, error) {
	result := []any{}
	err := yaml.Unmarshal([]byte(text), &result)
	return result, err
}

// decode reads parameters as a controller does: every number is a float64.
func decode(text json.RawMessage) (map[string]any, error) {
	if len(text) == 0 {
		return map[string]any{}, nil
	}
	result := map[string]any{}
	if err := json.Unmarshal(text, &result); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	return result, nil
}
