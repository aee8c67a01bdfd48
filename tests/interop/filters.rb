# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# The reference's own code for filters, both its client's and its nodes', without a broker: one JSON
# list per line is a question, one JSON object per line the answer.
#   ruby -r psych_shim.rb filters.rb DESCRIBE CONFIG CLASSESFILE

require "mcollective"
require ARGV.fetch(0)

MCollective::Config.instance.loadconfig(ARGV.fetch(1))
CLASSES = ARGV.fetch(2)
ARGV.clear
MCollective::PluginManager.clear

class Told < MCollective::Facts::Base
  attr_writer :told

  def load_facts_from_source
    @told
  end

  def force_reload?
    true
  end
end

MCollective::PluginManager << {:type => "global_stats", :class => MCollective::RunnerStats.new}
MCollective::Data.load_data_sources

class MCollective::Agents
  def self.agentlist
    $agents
  end
end

MCollective::Config.instance.instance_variable_set(:@classesfile, CLASSES)

module Filters
  module_function

  def become(node)
    MCollective::PluginManager["facts_plugin"].told = node["facts"]
    File.write(CLASSES, node["classes"].map { |name| name + "\n" }.join)
    $agents = node["agents"]
    MCollective::Config.instance.instance_variable_set(:@identity, node["identity"])
  end

  # What a command line says, as mco reads it.
  def filter(arguments)
    ARGV.replace(arguments)
    MCollective::Optionparser.new({}, "filter").parse[:filter]
  ensure
    ARGV.clear
  end

  # The same, as it goes on the wire: mco holds data functions against their DDLs first.
  def request(arguments)
    found = filter(arguments)
    MCollective::Message.allocate.validate_compound_filter(found["compound"])
    found
  end

  def verdict(format, hex, node)
    bytes = [hex].pack("H*")
    filter = format == "marshal" ? Marshal.load(bytes) : YAML.safe_load(bytes.force_encoding("UTF-8"), [Symbol, Regexp])
    become(node)
    MCollective::Security::Base.new.validate_filter?(filter)
  end

  def answer(call, *arguments)
    case call
    when "filter" then Describe.describe(filter(arguments))
    when "request" then Describe.describe(request(arguments))
    when "fact" then Describe.describe(MCollective::Util.parse_fact_string(*arguments))
    when "verdict" then verdict(*arguments)
    when "methods" then MCollective::Data.methods + MCollective::Data.private_methods
    end
  end
end

$stdout.sync = true
while (line = $stdin.gets)
  begin
    puts JSON.generate({"value" => Filters.answer(*JSON.parse(line))}, max_nesting: 0)
  rescue StandardError, SyntaxError, SystemExit => e
    puts JSON.generate({"error" => "#{e.class}: #{e.message.dup.force_encoding("UTF-8").scrub}"})
  end
end
