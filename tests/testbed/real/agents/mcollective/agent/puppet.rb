# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

require "mcollective/util/machine"

module MCollective
  module Agent
    # A Puppet whose runs do nothing but take a second. The first run changes 2 of 20 resources, later ones none.
    class Puppet < RPC::Agent
      SECONDS = 1

      action "runonce" do
        state = puppet
        reply.fail!(reply[:summary] = "Puppet is disabled: '#{state['lock']}'") if state["lock"]
        reply.fail!(reply[:summary] = "Puppet is currently applying a catalog, cannot run now") if applying?(state)
        machine.note("runonce", request.data.reject { |key, _value| key == :process_results }.inspect)
        machine.change do |all|
          all["puppet"]["changed"] = state["ends"] ? 0 : 2
          all["puppet"]["ends"] = Time.now.to_f + SECONDS
        end
        reply[:summary] = "Started a Puppet run"
        reply[:initiated_at] = Time.now.to_i
      end

      action "status" do
        state = puppet
        reply[:applying] = applying?(state)
        reply[:idling] = reply[:daemon_present] = false
        reply[:enabled] = state["lock"].nil?
        reply[:disable_message] = state["lock"].to_s
        reply[:lastrun] = lastrun(state)
        reply[:since_lastrun] = Time.now.to_i - reply[:lastrun]
        reply[:status] = reply[:enabled] ? (reply[:applying] ? "applying a catalog" : "stopped") : "disabled"
        reply[:message] = "Currently #{reply[:status]}"
      end

      action "last_run_summary" do
        state = puppet
        reply[:total_resources] = 20
        reply[:failed_resources] = 0
        reply[:changed_resources] = reply[:out_of_sync_resources] = state["changed"] || 0
        reply[:lastrun] = lastrun(state)
        reply[:total_time] = 1.5
        reply[:config_version] = "7"
      end

      action "enable" do
        lock(nil, "Already enabled") { |state| state["lock"].nil? }
      end

      action "disable" do
        lock(request.fetch(:message, "Disabled via MCollective"), "Already disabled") { |state| state["lock"] }
      end

      def lock(message, refusal)
        if yield(puppet)
          reply[:enabled] = puppet["lock"].nil?
          reply.fail!(reply[:status] = "Could not do it: #{refusal}")
        end
        machine.note(message ? "disable" : "enable", message)
        machine.change { |state| state["puppet"]["lock"] = message }
        reply[:enabled] = message.nil?
        reply[:status] = "Successfully done"
      end

      def applying?(state)
        state["ends"].to_f > Time.now.to_f
      end

      def lastrun(state)
        state["ends"].nil? || applying?(state) ? 1000 : state["ends"].to_i
      end

      def puppet
        machine.read["puppet"]
      end

      def machine
        @machine ||= Util::Machine.new(config)
      end
    end
  end
end
