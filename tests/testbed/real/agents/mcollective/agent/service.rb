# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

require "mcollective/util/machine"

module MCollective
  module Agent
    # Services that exist in a file only, and a journal beside the node's facts with a line for each restart.
    # Every node has every service, and it runs, but those whose name begins with "no" and the one named "broken",
    # which does not start on nodes of the class role::web. As with the public agent, starting a service that runs
    # is a failure, and so is stopping one that does not. One named "brittle" ends right after its start.
    class Service < RPC::Agent
      action "status" do
        describe
      end

      action "start" do
        set("running")
      end

      action "stop" do
        set("stopped")
      end

      action "restart" do
        if request[:service] == "broken" && Util.has_cf_class?("role::web")
          reply[:status] = "stopped"
          reply.fail!("broken does not start: no space left on device", 1)
        end
        File.open(journal, "a") { |file| file.puts("#{Time.now.to_f} #{request[:service]}") }
        become("running")
        describe
      end

      def set(status)
        describe
        if reply[:status] == status
          reply.fail!("Could not do it: service '#{request[:service]}' is already #{status}")
        end
        machine.note(status, request[:service])
        become(status)
        describe
      end

      def become(status)
        status = "stopped" if request[:service] == "brittle"
        machine.change { |state| state["services"][request[:service]] = status }
      end

      def describe
        reply.fail!("there is no service #{request[:service]}", 1) if request[:service].start_with?("no")
        lines = File.exist?(journal) ? File.readlines(journal) : []
        reply[:restarts] = lines.count { |line| line.split.last == request[:service] }
        reply[:status] = machine.read["services"].fetch(request[:service], "running")
      end

      def machine
        @machine ||= Util::Machine.new(config)
      end

      def journal
        File.join(File.dirname(config.pluginconf["yaml"]), "services.log")
      end
    end
  end
end
