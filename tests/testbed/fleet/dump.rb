# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# Writes what a node would write: for each line of JSON [format, value, body] the Base64 of the serialized value. A key
# or text that begins with ":" becomes a Symbol. A body, in Base64, is added to the value as it is.

require "base64"
require "json"
require "yaml"

def ruby(value)
  case value
  when Hash then value.to_h { |key, item| [ruby(key), ruby(item)] }
  when Array then value.map { |item| ruby(item) }
  when /\A:/ then value[1..].to_sym
  else value
  end
end

$stdin.each_line do |line|
  format, value, body = JSON.parse(line)
  plain = ruby(value)
  plain[:body] = Base64.decode64(body).force_encoding(format == "yaml" ? "UTF-8" : "BINARY") if body
  dumped = format == "yaml" ? YAML.dump(plain) : Marshal.dump(plain)
  puts Base64.strict_encode64(dumped)
  $stdout.flush
end
