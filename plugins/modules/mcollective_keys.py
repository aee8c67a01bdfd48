#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_keys
short_description: Make the keys, passwords and certificates of an MCollective collective
version_added: 0.1.0
author: The pymco.mcollective authors (@pymco)
description:
  - Keeps one directory that holds all that is secret in a collective, from which the roles of this collection take what they put
    on brokers, nodes and control hosts.
  - What is missing is made. What is there is kept, so that own keys and passwords can be put there before. Certificates
    that expire soon, or are for other names than the wanted ones, are issued again, with their keys.
  - It writes files on the host where the task runs, usually the control host. No secret is in its result or its diff.
extends_documentation_fragment:
  - pymco.mcollective.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The names of the files that were made, never what is in them.
  action:
    support: none
  async:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - The directory. It is made if it is not there, for its owner alone.
      - The directory and its files must be owned by the user that the module runs as, and must not be symbolic links. Otherwise the module
        fails and names the path and its owner.
      - It gets the files C(server.pem), C(server-private.pem), C(clients/NAME.pem), C(clients/NAME-private.pem), C(psk),
        C(passwords/NAME), C(ca.pem), C(ca-private.pem), C(tls/NAME.pem), C(tls/NAME-private.pem) and, for Java,
        C(tls/NAME-keystore.p12), C(tls/NAME-truststore.p12) and C(tls/NAME-store-password).
    type: path
    required: true
  clients:
    description:
      - The names of clients, each of which gets a key pair. To nodes, the client is C(cert=NAME).
      - The pair that all nodes share is always made.
    type: list
    elements: str
    default: []
  passwords:
    description: The names of passwords to make, usually those of the broker's users.
    type: list
    elements: str
    default: []
  psk:
    description: Whether to make a pre-shared key.
    type: bool
    default: true
  certificates:
    description: The certificates for TLS. If there is any, a private authority is made that issues them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the files, and the certificate's common name.
        type: str
        required: true
      dns:
        description: The host names that a server with this certificate is reached by. Without any name or address it is a client's.
        type: list
        elements: str
        default: []
      addresses:
        description: The IP addresses that a server with this certificate is reached by.
        type: list
        elements: str
        default: []
      java:
        description:
          - Whether to make the key store and trust store that a Java broker such as ActiveMQ reads.
          - It needs cryptography 45 or newer.
        type: bool
        default: false
  authority_name:
    description: The common name of the authority.
    type: str
    default: MCollective CA
  authority_days:
    description:
      - How many days the authority's certificate is valid, more than O(renew_days) and at the most V(36500).
      - A renewed one keeps the key, so what it has issued stays valid.
    type: int
    default: 3650
  certificate_days:
    description: How many days other certificates are valid, more than O(renew_days) and at the most V(36500).
    type: int
    default: 825
  renew_days:
    description: A certificate that expires within so many days is renewed, from V(0) to V(36500).
    type: int
    default: 30
  key_size:
    description: The size of new RSA keys in bits, from V(2048) to V(16384).
    type: int
    default: 2048
requirements:
  - cryptography >= 3.4
"""

EXAMPLES = r"""
- name: Make all that a collective with one operator needs
  pymco.mcollective.mcollective_keys:
    path: "{{ inventory_dir }}/keys"
    clients:
      - alice
    passwords:
      - alice
      - nodes
    certificates:
      - name: broker
        dns:
          - broker.example.com
      - name: nodes
      - name: alice
  delegate_to: localhost
  run_once: true
  register: keys

- name: Show what is new
  ansible.builtin.debug:
    msg: "{{ keys.files }}"
"""

RETURN = r"""
files:
  description: The files that were made, renewed or closed to others, relative to O(path). In check mode, that would have been.
  returned: success
  type: list
  elements: str
  sample: [server-private.pem, server.pem]
"""

from ansible_collections.pymco.mcollective.plugins.module_utils._task.keys import KeysTask
from ansible_collections.pymco.mcollective.plugins.module_utils._task.running import run_module


def main() -> None:
    """Run the module."""
    run_module(KeysTask)


if __name__ == "__main__":
    main()
