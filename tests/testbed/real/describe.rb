# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Says what a Ruby value is, exactly, in terms that JSON can carry: the oracle for everything that
# a client encodes. Usable from plain Ruby as well: ruby -r./describe.rb -e 'puts Describe.json(1)'

require "json"

module Describe
  module_function

  def json(value)
    JSON.generate(describe(value))
  end

  def describe(value)
    kind = {"class" => value.class.name}
    case value
    when String then kind.merge("encoding" => value.encoding.name, "hex" => value.unpack1("H*"))
    when Symbol then kind.merge("name" => value.to_s)
    when Integer then kind.merge("value" => value.to_s)
    # The eight bytes as they are, since no decimal form tells -0.0 and the NaNs apart.
    when Float then kind.merge("value" => [value].pack("G").unpack1("H*"))
    when Array then kind.merge("items" => value.map { |item| describe(item) })
    when Hash then kind.merge("pairs" => value.map { |pair| pair.map { |half| describe(half) } })
    when Regexp then kind.merge("inspect" => value.inspect, "source" => value.source)
    when nil, true, false then kind
    else kind.merge("inspect" => value.inspect)
    end
  end
end
