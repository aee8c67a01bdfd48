# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

require "json"

module MCollective
  module Util
    # The services, packages and Puppet of a node that has none: they exist in a file beside the node's facts.
    class Machine
      PARTS = ["services", "packages", "updates", "puppet"].freeze

      def initialize(config)
        @directory = File.dirname(config.pluginconf["yaml"])
      end

      # Yields all that the machine has, and keeps what the block makes of it.
      def change
        state = read
        result = yield(state)
        File.write(path, JSON.pretty_generate(state))
        result
      end

      def read
        state = File.exist?(path) ? JSON.parse(File.read(path)) : {}
        PARTS.each { |part| state[part] ||= {} }
        state
      end

      # Notes an action that changes something.
      def note(action, what)
        File.open(File.join(@directory, "machine.log"), "a") { |file| file.puts("#{action} #{what}") }
      end

      private

      def path
        File.join(@directory, "machine.json")
      end
    end
  end
end
