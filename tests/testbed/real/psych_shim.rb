# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Ruby 3.1 brought Psych 4, which no longer takes the permitted classes of YAML.safe_load as
# positional arguments and which made YAML.load a safe one. MCollective 2.12.5 is older than that:
# without this file its daemon has no facts and understands no request in YAML. With it, loaded
# by `ruby -r`, the calls mean again what they meant when MCollective was written. It loosens
# nothing that the daemon itself does not ask for, and is for test daemons only.

require "yaml"

module PsychShim
  def safe_load(yaml, *old, **options)
    names = [:permitted_classes, :permitted_symbols, :aliases, :filename]
    super(yaml, **names.zip(old).first(old.size).to_h, **options)
  end

  def load(yaml, **options)
    unsafe_load(yaml, **options)
  end
end

Psych.singleton_class.prepend(PsychShim)
