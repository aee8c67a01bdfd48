# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

require "json"

module MCollective
  module Facts
    # Facts from the JSON file that plugin.json names. MCollective's own source is YAML, which it cannot read where Ruby is 3.1
    # or newer. A changed file is read anew at once.
    class Json_facts < Base
      def load_facts_from_source
        @read_at = changed_at
        JSON.parse(File.read(file, :encoding => "UTF-8"))
      end

      def force_reload?
        @read_at != changed_at
      end

      private

      def file
        Config.instance.pluginconf["json"] or raise "plugin.json, the file with the facts, is not configured"
      end

      # nil if there is no such file; reading it will say so.
      def changed_at
        File.stat(file).mtime
      rescue SystemCallError
        nil
      end
    end
  end
end
