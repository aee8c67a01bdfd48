# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach the collective."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of everything that talks to a broker."""

    DOCUMENTATION = r"""
options:
  config_file:
    description:
      - The client's configuration, the same file that C(mco) uses. The files in C(plugin.d) beside it are read too.
      - By default the first readable one of C(~/.mcollective), C(/etc/puppetlabs/mcollective/client.cfg)
        and C(/etc/mcollective/client.cfg). If O(config) names a C(connector), no file is needed.
      - It is read on the host that the module runs on, as are the keys that it names.
    type: path
  config:
    description:
      - Options of C(client.cfg) by their names there; they win over those in the file.
      - Values of passwords and keys among them are kept out of all output.
    type: dict
  collective:
    description: The collective to address. By default the configuration's C(main_collective).
    type: str
requirements:
  - stomp.py >= 8.1
  - cryptography >= 3.4 (for C(securityprovider = ssl) and C(aes_security))
  - PyYAML >= 5.4 (for C(plugin.ssl_serializer = yaml) and C(plugin.aes.serializer = yaml))
"""
