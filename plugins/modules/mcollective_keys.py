#!/usr/bin/python
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcollective_keys
short_description: Create the keys, passwords and certificates of an MCollective collective
version_added: 1.0.0
author: The pymco.mcollective authors (@pymco)
description:
  - Maintains one directory with all secrets of a collective. The roles of this collection copy from it to brokers, nodes and control hosts.
  - The module creates missing files and keeps existing ones, so you can put your own keys and passwords there first. It issues certificates
    again, for the keys that are there, if they expire soon or have other names than the wanted ones. For a new key, remove the old one.
  - The module writes the files on the host where the task runs, usually the control host. Its result and its diff contain no secret.
extends_documentation_fragment:
  - pymco.mcollective.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff has the names of the created files, never their content.
  action:
    support: none
  async:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - The directory. If it does not exist, the module creates it with access for its owner only.
      - The user that the module runs as must own the directory and its files. None of them may be a symbolic link. Otherwise the module
        fails and names the path and its owner.
      - The module writes the files C(server.pem), C(server-private.pem), C(clients/NAME.pem), C(clients/NAME-private.pem), C(psk),
        C(passwords/NAME), C(ca.pem), C(ca-private.pem), C(tls/NAME.pem), C(tls/NAME-private.pem) and, for Java,
        C(tls/NAME-keystore.p12), C(tls/NAME-truststore.p12) and C(tls/NAME-store-password), and for Choria's tokens C(issuer.seed),
        C(issuer.pub), C(tokens/NAME.seed) and C(tokens/NAME.jwt).
    type: path
    required: true
  clients:
    description:
      - The names of the clients. Each client gets a key pair, and nodes know it as C(cert=NAME).
      - The module always creates the key pair that all nodes share.
    type: list
    elements: str
    default: []
  passwords:
    description: The names of the passwords to create, usually the names of the broker's users.
    type: list
    elements: str
    default: []
  psk:
    description: Whether to create a pre-shared key.
    type: bool
    default: true
  certificates:
    description: The certificates for TLS. If there is an entry, the module creates a private authority that issues them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the files, and the certificate's common name.
        type: str
        required: true
      dns:
        description:
          - The host names of a server with this certificate. Without any name or address, it is a client certificate.
          - For a client or a node of Choria's provider C(file), this is O(certificates[].name).
        type: list
        elements: str
        default: []
      addresses:
        description: The IP addresses of a server with this certificate.
        type: list
        elements: str
        default: []
      java:
        description:
          - Whether to create the key store and trust store for a Java broker such as ActiveMQ.
          - This requires cryptography 45 or newer.
        type: bool
        default: false
  tokens:
    description:
      - The tokens for Choria's provider C(choria). If there is an entry, the module creates the seed of an issuer, which signs them.
      - The module issues a token again if it expires soon or states other things than the wanted ones. It keeps the seeds.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the files. A client is the caller C(choria=NAME), and a node has this identity.
        type: str
        required: true
      kind:
        description: Whether the token is for a client, which may call agents, or for a node.
        type: str
        required: true
        choices: [client, node]
      collectives:
        description: The collectives that a node may join.
        type: list
        elements: str
        default: [mcollective]
  organization:
    description: The name under which brokers, nodes and clients know the issuer of O(tokens).
    type: str
    default: choria
  token_days:
    description: How many days tokens are valid. More than O(renew_days) and at most V(36500).
    type: int
    default: 365
  authority_name:
    description: The common name of the authority.
    type: str
    default: MCollective CA
  authority_days:
    description:
      - How many days the authority's certificate is valid. More than O(renew_days) and at most V(36500).
      - A renewed certificate keeps its key, so the certificates that the authority has issued stay valid.
    type: int
    default: 3650
  certificate_days:
    description: How many days other certificates are valid. More than O(renew_days) and at most V(36500).
    type: int
    default: 825
  renew_days:
    description: The module renews a certificate or token that expires within this many days. From V(0) to V(36500).
    type: int
    default: 30
  key_size:
    description: The size of new RSA keys in bits. From V(2048) to V(16384).
    type: int
    default: 2048
requirements:
  - python >= 3.9
  - cryptography >= 3.4
"""

EXAMPLES = r"""
- name: Create all files for a collective with one operator
  pymco.mcollective.mcollective_keys:
    path: "{{ playbook_dir }}/keys"
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

- name: Create the certificates and tokens of a Choria collective with one node
  pymco.mcollective.mcollective_keys:
    path: "{{ playbook_dir }}/choria-keys"
    psk: false
    certificates:
      - name: broker
        dns:
          - broker.example.com
      - name: web1.example.com
        dns:
          - web1.example.com
      - name: alice.mcollective
        dns:
          - alice.mcollective
    tokens:
      - name: alice.mcollective
        kind: client
      - name: web1.example.com
        kind: node
  delegate_to: localhost
  run_once: true

- name: Show the new files
  ansible.builtin.debug:
    msg: "{{ keys.files }}"
"""

RETURN = r"""
files:
  description: The files, relative to O(path), that the module created, renewed or closed to other users. In check mode, those that it would change.
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
