//go:build tools

// Copyright (c) 2026, the pymco.mcollective authors
// SPDX-License-Identifier: GPL-3.0-or-later

// Package actionlintbuild pins the versions of actionlint, which `make lint` builds, and of what it needs.
package actionlintbuild

import _ "github.com/rhysd/actionlint/cmd/actionlint"
