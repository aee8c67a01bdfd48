# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Psych 4, which came with Ruby 3.1, no longer takes the permitted classes of YAML.safe_load as positional arguments, as
# MCollective gives them. With this file, loaded before the daemon, it does again. Nothing becomes permitted that the daemon does
# not ask for.

require "yaml"

module PsychWorkaround
  POSITIONAL = [:permitted_classes, :permitted_symbols, :aliases, :filename].freeze

  def safe_load(yaml, *positional, **named)
    super(yaml, **POSITIONAL.first(positional.size).zip(positional).to_h, **named)
  end
end

Psych.singleton_class.prepend(PsychWorkaround)
