# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

module MCollective
  module Agent
    # Fails in each way that an action can fail in.
    class Failer < RPC::Agent
      # Under two names: the reference client cannot call actions that are named like a method
      # of Ruby's Kernel, since it calls that method instead.
      ["fail", "refuse"].each do |name|
        action name do
          reply[:before] = "set before the failure"
          reply.fail!(request[:message] || "failed on request", request[:code] || 1)
        end
      end

      action "soft_fail" do
        reply.fail(request[:message] || "failed on request", request[:code] || 1)
        reply[:after] = "set after the failure"
      end

      action "crash" do
        raise "crashed on request"
      end

      action "partial" do
        matched = Regexp.new(request[:match]).match?(config.identity)
        reply.fail!("failed on a node that matches", 1) if matched
        reply[:spared] = true
      end
    end
  end
end
