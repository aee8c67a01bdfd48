# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

# A node that reads requests as mcollectived does, with the node's own configuration and keys, and
# says what it saw: the oracle for what clients put on the wire.
#
#   ruby -r psych_shim.rb wire.rb describe.rb server.cfg
#
# Each line of the input is a JSON array: the payload in hexadecimal digits, and whether it is in
# Base64. Each line of the output is a JSON object.

require "json"
require "mcollective"
require ARGV.fetch(0)

MCollective::Config.instance.loadconfig(ARGV.fetch(1))
SECURITY = MCollective::PluginManager["security_plugin"]
SECURITY.initiated_by = :node

# What the provider signed or encrypted, as it was before the provider looks at it.
def protected_part(envelope)
  body = envelope[:body]
  case SECURITY.class.name
  when "MCollective::Security::Psk"
    Marshal.load(body)
  when "MCollective::Security::Ssl"
    SECURITY.send(:deserialize, body)
  else
    data = {:key => envelope[:sslkey], :data => body}
    SECURITY.send(:deserialize, SECURITY.send(:decrypt, data, envelope[:callerid]))
  end
end

def outer(payload)
  return Marshal.load(payload) if SECURITY.class.name == "MCollective::Security::Psk"
  SECURITY.send(:deserialize, payload)
end

def answer(hex, base64)
  wire = [hex].pack("H*")
  message = MCollective::Message.new(wire, nil, :type => :request, :base64 => base64)
  envelope = outer(message.payload)
  inner = protected_part(envelope)
  # What nodes do: it raises where the signature, the key or the protected ttl and time are wrong.
  message.decode!
  {"envelope" => Describe.describe(envelope), "protected" => Describe.describe(inner)}
end

$stdout.sync = true
while (line = $stdin.gets)
  begin
    puts JSON.generate({"value" => answer(*JSON.parse(line))}, :max_nesting => 0)
  rescue StandardError => e
    puts JSON.generate({"error" => "#{e.class}: #{e.message.scrub}"})
  end
end
