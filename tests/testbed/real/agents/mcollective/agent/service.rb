# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

module MCollective
  module Agent
    # Services that exist in a file only: one beside the node's facts, with a line for each restart.
    # Every node has every service, but those whose name begins with "no" and the one named "broken",
    # which does not start on nodes of the class role::web.
    class Service < RPC::Agent
      action "status" do
        describe
      end

      action "restart" do
        if request[:service] == "broken" && Util.has_cf_class?("role::web")
          reply[:status] = "stopped"
          reply.fail!("broken does not start: no space left on device", 1)
        end
        File.open(journal, "a") { |file| file.puts("#{Time.now.to_f} #{request[:service]}") }
        describe
      end

      def describe
        reply.fail!("there is no service #{request[:service]}", 1) if request[:service].start_with?("no")
        lines = File.exist?(journal) ? File.readlines(journal) : []
        reply[:restarts] = lines.count { |line| line.split.last == request[:service] }
        reply[:status] = "running"
      end

      def journal
        File.join(File.dirname(config.pluginconf["yaml"]), "services.log")
      end
    end
  end
end
