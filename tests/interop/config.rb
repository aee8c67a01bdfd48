# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# The reference's own reader of configuration files, without the plugins that they name: the oracle
# for ours. Each line of the input is a file's path as JSON, each line of the output what was read.

require "json"
require "mcollective"

module MCollective
  def PluginManager.loadclass(_name)
  end

  # It logs what it has read, and has nowhere to log to yet.
  def Log.log(*_what)
  end
end

OPTIONS = [
  :classesfile, :collectives, :color, :connection_timeout, :connector, :default_batch_size,
  :default_batch_sleep_time, :default_discovery_method, :default_discovery_options,
  :direct_addressing, :direct_addressing_threshold, :discovery_timeout, :fact_cache_time,
  :factsource, :identity, :keeplogs, :logfacility, :logfile, :logger_type, :loglevel,
  :main_collective, :max_log_size, :publish_timeout, :rpclimitmethod, :securityprovider,
  :ssl_cipher, :threaded, :ttl
]

def read(path)
  MCollective::PluginManager.clear
  before = $LOAD_PATH.dup
  # The class gives out one instance only; another one has nothing left of the last file.
  config = MCollective::Config.send(:new)
  config.loadconfig(path)
  found = OPTIONS.map { |name| [name, config.public_send(name)] }.to_h
  found.merge("libdirs" => $LOAD_PATH - before, "pluginconf" => config.pluginconf)
ensure
  $LOAD_PATH.replace(before)
end

$stdout.sync = true
while (line = $stdin.gets)
  begin
    puts JSON.generate({"read" => read(JSON.parse(line, :quirks_mode => true))})
  rescue StandardError => e
    puts JSON.generate({"refused" => e.message.scrub})
  end
end
