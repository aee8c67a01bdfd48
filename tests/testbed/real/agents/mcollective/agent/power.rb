# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

module MCollective
  module Agent
    # Reboots, for other nodes: the daemon is killed, and some time later the same command
    # is run again, in the same group of processes.
    class Power < RPC::Agent
      AGAIN = 'sleep 0.5; kill -KILL "$1"; sleep "$2"; shift 2; exec "$@"'

      action "reboot" do
        command = File.read("/proc/self/cmdline").split("\0")
        seconds = (request[:seconds] || 3).to_s
        reply[:pid] = Process.pid
        Process.detach(spawn("/bin/sh", "-c", AGAIN, "sh", Process.pid.to_s, seconds, *command))
      end
    end
  end
end
