# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints good data in both formats, as Ruby writes them: {"yaml": [base64, ...], "marshal": [...]}.

require "base64"
require "bigdecimal"
require "date"
require "json"
require "ostruct"
require "set"
require "yaml"

class Plain
  def initialize(value)
    @value = value
    @other = [value, :symbol]
  end
end

class Words < Array; end
class Table < Hash; end
class Line < String; end
Pair = Struct.new(:left, :right)

shared = ["shared", {:key => "value"}]
marked = +"with a variable"
marked.instance_variable_set(:@mark, shared)
facts = {"os" => {"family" => "Debian", "release" => ["12", 12]}, "uptime" => 1.5e3, "virtual" => false}
reply = {:statuscode => 0, :statusmsg => "OK", :data => {:facts => facts, :agents => %w[a b], :pong => 1395419893}}

VALUES = [
  nil, true, false, 0, -1, 255, 2**30, 2**31, -(2**62), 2**64, 2**500, 1.5, -0.0, 1e100, 1e-7, 1.0 / 0, 0.0 / 0,
  "", "text", "1,000", "yes", ":text", "tab\tand\nlines\n\nhere\n", "Z\u00fcrich \u2603 \u{1f600}", "\0", "x" * 200,
  "\xff\xfe".b, (0..255).to_a.pack("C*"), "\u00e9".encode("ISO-8859-1"), "\u65e5\u672c".encode("Shift_JIS"),
  "\u00e9".encode("UTF-16LE"), :symbol, :"with blanks", :"\u00e9", [:a, :b, :a, "a"], [], {}, [[[]]], [nil, [true]],
  {"a" => 1, :b => 2, 3 => 4, nil => 5, 1.5 => 6}, Hash.new(7).merge!("a" => 1), [shared, shared], marked,
  /a[b]\/c/mi, /\u00e9/, 1..3, "a"..."c", Time.at(0).utc, Time.at(1e9.to_i, 123_456_789, :nsec, in: "+05:30"),
  Date.new(2001, 2, 3), DateTime.new(2001, 2, 3, 4, 5, 6), Set.new([1, "two"]), Rational(1, 3), Complex(1, 2.5),
  BigDecimal("1.25"), Plain.new("inside"), Pair.new(1, [2]), Words.new(["a"]), Table.new.merge!("a" => 1),
  Line.new("line"), OpenStruct.new(:a => 1), RuntimeError.new("message"), String, Comparable, reply,
  {:senderid => "web1", :requestid => "0" * 32, :senderagent => "rpcutil", :msgtime => 1395419893, :body => YAML.dump(reply)},
]

def dump(values)
  values.map { |value| Base64.strict_encode64(yield(value)) rescue nil }.compact
end

puts JSON.generate(
  "yaml" => dump(VALUES) { |value| YAML.dump(value) },
  "marshal" => dump(VALUES) { |value| Marshal.dump(value) }
)
