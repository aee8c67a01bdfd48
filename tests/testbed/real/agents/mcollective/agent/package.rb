# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

require "mcollective/util/machine"

module MCollective
  module Agent
    # Packages that exist in a file only. No node has any at first, and the newest version of each is 1.0-1 unless the
    # file says otherwise. As with the public agent, installing what is installed is a failure, and so is removing
    # what is not.
    class Package < RPC::Agent
      action "status" do
        describe(machine.read)
      end

      action "install" do
        there = machine.read["packages"].key?(request[:package])
        refuse("Package is already installed") if there && request[:version].nil?
        put(request[:version]) { |state| state["updates"].fetch(request[:package], "1.0-1") }
      end

      action "update" do
        refuse("Package is not present on the system") unless machine.read["packages"].key?(request[:package])
        put(nil) { |state| state["updates"].fetch(request[:package], state["packages"][request[:package]]) }
      end

      action "uninstall" do
        refuse("Package is not present on the system") unless machine.read["packages"].key?(request[:package])
        machine.note("uninstall", request[:package])
        machine.change { |state| state["packages"].delete(request[:package]) }
        describe(machine.read)
      end

      action "checkupdates" do
        state = machine.read
        newer = state["updates"].select { |name, version| state["packages"].fetch(name, version) != version }
        reply[:package_manager] = "file"
        reply[:outdated_packages] = newer.map { |name, version| { :package => name, :version => version, :repo => "main" } }
      end

      # The lists are always new.
      action "refresh" do
        reply[:package_manager] = "file"
      end

      def put(version)
        machine.note("install", request[:package])
        machine.change { |state| state["packages"][request[:package]] = version || yield(state) }
        describe(machine.read)
        reply[:output] = "done"
      end

      def refuse(why)
        describe(machine.read)
        raise why
      end

      def describe(state)
        reply[:name] = request[:package]
        reply[:provider] = "file"
        reply[:ensure] = state["packages"].fetch(request[:package], "absent")
      end

      def machine
        @machine ||= Util::Machine.new(config)
      end
    end
  end
end
