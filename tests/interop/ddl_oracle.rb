# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# MCollective's own DDL code as the judge of ours. Reads questions and writes answers, one JSON
# document a line each. Values travel as [kind, ...], see Wire.

require "json"
require "tempfile"
require "timeout"
require "mcollective"

module Wire
  module_function

  def write(value)
    case value
    when nil then ["nil"]
    when true, false then ["bool", value]
    when Integer then ["int", value.to_s]
    when Float then ["float", [value].pack("G").unpack1("H*")]
    when String then ["str", text(value)]
    when Symbol then ["sym", value.to_s]
    when Array then ["arr", value.map { |item| write(item) }]
    when Hash then ["hash", value.map { |pair| pair.map { |half| write(half) } }]
    when Regexp then ["re", value.source, flags(value)]
    when Module then ["class", value.name]
    when Range then ["range", write(value.first), write(value.last), value.exclude_end?]
    else raise "no form for a #{value.class}"
    end
  end

  def text(value)
    utf8 = value.dup.force_encoding("UTF-8")
    raise "a String that is no text" unless utf8.valid_encoding?
    utf8
  end

  def flags(regexp)
    [["i", Regexp::IGNORECASE], ["m", Regexp::MULTILINE], ["x", Regexp::EXTENDED]]
      .select { |_name, bit| regexp.options & bit != 0 }.map(&:first).join
  end

  def read(wire)
    kind, value, _rest = wire
    case kind
    when "nil" then nil
    when "bool", "str" then value
    when "int" then Integer(value, 10)
    when "float" then [value].pack("H*").unpack1("G")
    when "sym" then value.to_sym
    when "arr" then value.map { |item| read(item) }
    when "hash" then value.to_h { |pair| pair.map { |half| read(half) } }
    end
  end
end

module Oracle
  CLASSES = {
    "agent" => MCollective::DDL::AgentDDL,
    "data" => MCollective::DDL::DataDDL,
    "discovery" => MCollective::DDL::DiscoveryDDL
  }
  @ddls = {}

  module_function

  def ddl(kind, source)
    @ddls[[kind, source]] ||= load_ddl(kind, source)
  end

  def load_ddl(kind, source)
    found = CLASSES.fetch(kind, MCollective::DDL::Base).new("oracle", kind, false)
    Tempfile.create("oracle.ddl") do |file|
      file.write(source)
      file.flush
      found.define_singleton_method(:findddlfile) { |*_names| file.path }
      found.loadddlfile
    end
    found
  end

  def read(kind, source)
    found = load_ddl(kind, source)
    {
      "meta" => Wire.write(found.meta),
      # "usage" with an argument sets it: the method of that name hides the reader.
      "usage" => Wire.write(found.instance_variable_get(:@usage)),
      "requirements" => Wire.write(found.requirements),
      "entities" => Wire.write(found.entities)
    }
  end

  def validate(source, action, arguments)
    found = ddl("agent", source)
    given = Wire.read(arguments)
    found.set_default_input_arguments(action, given)
    found.validate_rpc_request(action, given)
    Wire.write(given)
  end

  # As MCollective::Message#validate_compound_filter does it.
  def query(source, param, output)
    found = ddl("data", source)
    param = MCollective::Data.ddl_transform_input(found, param)
    MCollective::Data.ddl_validate(found, param)
    raise "no such output" unless output && MCollective::Data.ddl_has_output?(found, output)
    Wire.write(param)
  end

  # As MCollective's application "rpc" does it.
  def cast(type, text)
    return Wire.write(MCollective::DDL.string_to_boolean(text)) if type == "boolean"
    Wire.write(MCollective::DDL.string_to_number(text))
  end

  def aggregate(source, action, replies)
    found = load_ddl("agent", source)
    aggregate = MCollective::Aggregate.new(found.action_interface(action))
    replies.each { |reply| aggregate.call_functions({:data => Wire.read(reply)}) }
    stats = MCollective::RPC::Stats.new
    stats.ddl = found
    stats.aggregate_summary = aggregate.summarize
    stats.aggregate_failures = aggregate.failed
    {"results" => stats.aggregate_summary.map { |result| result(result) },
     "failures" => aggregate.failed.map { |failure| [failure[:name].to_s, failure[:type].to_s] },
     "text" => begin stats.text_for_aggregates rescue nil end}
  end

  def result(result)
    [result.result[:output].to_s, Wire.write(result.result[:value]), Wire.write(result.aggregate_format)]
  end

  def match(source, flags, value)
    bits = {"i" => Regexp::IGNORECASE, "m" => Regexp::MULTILINE, "x" => Regexp::EXTENDED}
    !value.match(Regexp.new(source, flags.chars.sum { |flag| bits[flag] })).nil?
  end

  def format(template, arguments)
    template % Wire.read(arguments)
  end

  def shown(value)
    value = Wire.read(value)
    [value.to_s, value.inspect]
  end

  def versions(left, right)
    MCollective::Util.versioncmp(left, right)
  end
end

Tempfile.create("client.cfg") do |file|
  file.write("libdir = /nonexistent\nlogger_type = console\nloglevel = fatal\ncolor = 0\nsecurityprovider = psk\n")
  file.write("plugin.psk = none\nconnector = rabbitmq\n")
  file.flush
  MCollective::Config.instance.loadconfig(file.path)
end

# Under the old name, which MCollective's Ruby had.
Fixnum = Integer unless defined?(Fixnum)

$stdout.sync = true
while (line = $stdin.gets)
  begin
    call, *arguments = JSON.parse(line, max_nesting: false)
    answer = Timeout.timeout(10) { Oracle.public_send(call, *arguments) }
    $stdout.puts JSON.generate({"value" => answer}, max_nesting: 0)
  rescue Exception => e # SyntaxError and SystemStackError are none of StandardError's
    raise if e.is_a?(Interrupt)
    $stdout.puts JSON.generate({"error" => "#{e.class}: #{e.message.dup.force_encoding("UTF-8").scrub}"})
  end
end
