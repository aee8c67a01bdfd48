# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

require_relative "../../../describe"

module MCollective
  module Agent
    # Shows what a request became on the node, and what a node's values become on the client.
    class Probe < RPC::Agent
      TYPED = [:string, :int, :float, :number, :bool]

      action "echo" do
        reply[:value] = request[:value]
        TYPED.each { |name| reply[name] = request[name] if request.include?(name) }
        given = TYPED.select { |name| request.include?(name) }
        reply[:types] = Describe.json(request[:value])
        reply[:typed] = Describe.json(given.map { |name| [name, request[name]] }.to_h)
        reply[:request] = Describe.json(request.data)
      end

      action "produce" do
        everything_json
        reply[:binary] = (0..255).to_a.pack("C*")
      end

      # Without the binary string, which the reference client cannot print as JSON.
      action "produce_json" do
        everything_json
      end

      # Apart from the rest, since the reference client cannot print these as JSON either.
      action "produce_floats" do
        reply[:tiny] = 5e-324
        reply[:huge] = 1.7976931348623157e308
        reply[:negative_zero] = -0.0
        reply[:infinite] = Float::INFINITY
        reply[:negative_infinite] = -Float::INFINITY
        reply[:nan] = Float::NAN
      end

      # Apart from the rest, since nodes that speak YAML make an anchor and an alias of it, which
      # the reference client refuses.
      action "produce_alias" do
        shared = ["one", "two"]
        reply[:first] = shared
        reply[:second] = shared
      end

      action "big" do
        reply[:text] = "x" * request[:size]
      end

      action "mark" do
        sleep(request[:seconds]) if request[:seconds]
        File.open(request[:path], "a") do |file|
          file.flock(File::LOCK_EX)
          file.puts("#{config.identity} #{Time.now.to_f}")
        end
      end

      action "tally" do
        reply[:kind] = config.identity[/\A[a-z]+/]
        reply[:letters] = reply[:kind].size
        reply[:tags] = ["all", reply[:kind]]
      end

      def everything_json
        numbers
        words
        reply[:true] = true
        reply[:false] = false
        reply[:nil] = nil
        reply[:nested] = {"string key" => {:symbol_key => [1, "two", :three, nil]}, 4 => 5.5}
        reply[:array] = [1, [2, [3, []]], {}, "Zürich ☃"]
      end

      def numbers
        reply[:integer] = 42
        reply[:big_integer] = 2**70
        reply[:negative] = -17
        reply[:negative_big_integer] = -(2**70)
        reply[:float] = 1.5
      end

      def words
        reply[:text] = "Zürich ☃"
        reply[:lines] = "first\n  second\n\nlast\n"
        reply[:empty] = ""
        reply[:symbol] = :a_symbol
        reply[:not_a_symbol] = ":notasymbol"
        reply[:yes] = "yes"
        reply[:thousand] = "1,000"
        reply[:date] = "2001-01-01"
        reply[:hex] = "0x1f"
        reply[:template] = "{{ 6 * 7 }}"
      end
    end
  end
end
