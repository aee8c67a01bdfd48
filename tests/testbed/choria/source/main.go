// Copyright (c) 2026, the pymco.mcollective authors
// SPDX-License-Identifier: GPL-3.0-or-later

// The program choria with the plugins that the tests need. Its own main package, as the Go module
// has it, has none: they are generated when a release is made, and without them no node starts.
package main

import (
	"log"

	"github.com/choria-io/go-choria/cmd"
	"github.com/choria-io/go-choria/plugin"
	"github.com/choria-io/go-choria/providers/agent/mcorpc/external"
	golang "github.com/choria-io/go-choria/providers/agent/mcorpc/golang"
	"github.com/choria-io/go-choria/providers/data/golang/choriadata"
	scout "github.com/choria-io/go-choria/scout/agent/scout"
)

func main() {
	for name, one := range map[string]plugin.Pluggable{
		"golangmco":   golang.ChoriaPlugin(),
		"externalmco": external.ChoriaPlugin(),
		"scout":       scout.ChoriaPlugin(),
		"choria_data": choriadata.ChoriaPlugin(),
	} {
		if err := plugin.Register(name, one); err != nil {
			log.Fatalf("%s: %s", name, err)
		}
	}
	if err := cmd.ParseCLI(); err != nil {
		log.Fatal(err)
	}
	if err := cmd.Run(); err != nil {
		log.Fatal(err)
	}
}
