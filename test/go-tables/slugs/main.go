// Writes what gosimple/slug, which Argo CD uses, makes of names of branches. See ../README.md.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/gosimple/slug"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./slugs SAMPLES.json SLUGS.json")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var samples []string
	if err := json.Unmarshal(text, &samples); err != nil {
		return err
	}
	slug.MaxLength = 50
	slug.EnableSmartTruncate = true
	slug.CustomSub = map[string]string{"_": "-"}
	rows := make([]string, len(samples))
	for index, sample := range samples {
		row, err := json.Marshal([]string{sample, slug.Make(sample)})
		if err != nil {
			return err
		}
		rows[index] = "  " + string(row)
	}
	return os.WriteFile(to, []byte("[\n"+strings.Join(rows, ",\n")+"\n]\n"), 0o644)
}
