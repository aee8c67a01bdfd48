# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

module MCollective
  module Agent
    # Greets with the word that its setting has, which shows that plugin.d is read.
    class Greeter < RPC::Agent
      action "greet" do
        reply[:text] = "#{config.pluginconf.fetch("greeter.word", "Nothing for")} #{request[:name]}"
      end
    end
  end
end
