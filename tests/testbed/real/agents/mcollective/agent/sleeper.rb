# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

module MCollective
  module Agent
    # Takes its time, and leaves a trace that outlives a lost reply.
    class Sleeper < RPC::Agent
      # Under two names: the reference client cannot call actions that are named like a method
      # of Ruby's Kernel, since it calls that method instead.
      ["sleep", "doze"].each do |name|
        action name do
          sleep(request[:seconds])
          reply[:seconds] = request[:seconds]
        end
      end

      action "touch" do
        File.open(request[:path], "a") { |file| file.puts(config.identity) }
        reply[:path] = request[:path]
      end
    end
  end
end
