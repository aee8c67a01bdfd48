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
        and C(/etc/mcollective/client.cfg). If O(connector) or O(config) names a connector, no file is needed.
      - It is read on the host that the module runs on, as are the keys that it names.
      - It must be a regular file of 1 MiB at the most. There is a warning if others can change it, or if it has secrets that everybody can
        read.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CONFIG_FILE).
    type: path
  config:
    description:
      - Options of C(client.cfg) by their names there; they win over those in the file.
      - A value is shown only if the option is known, is no secret, and the value is of its type. All others are kept out of all
        output, those of misspelt names too.
    type: dict
  connector:
    description:
      - How requests travel, as C(connector) in C(client.cfg). There are V(activemq), V(rabbitmq) and V(stomp).
      - Where it is given, no configuration file is needed. The other options can say all that a file says.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CONNECTOR).
    type: str
  brokers:
    description: The brokers to try, in this order, instead of those in the configuration.
    type: list
    elements: dict
    suboptions:
      host:
        description: The broker's host name or address.
        type: str
        required: true
      port:
        description: The port of its STOMP listener. By default V(61613).
        type: int
      user:
        description: Who logs in. Wins over the environment variable E(STOMP_USER).
        type: str
      password:
        description: The user's password. Wins over the environment variable E(STOMP_PASSWORD).
        type: str
      tls:
        description: Whether the connection is encrypted. By default it is where certificates are named.
        type: bool
      ca_cert:
        description: Instead of O(ca_cert) for this broker.
        type: path
      client_cert:
        description: Instead of O(client_cert) for this broker.
        type: path
      client_key:
        description: Instead of O(client_key) for this broker.
        type: path
      validate_certs:
        description: Instead of O(validate_certs) for this broker.
        type: bool
  vhost:
    description:
      - The broker's virtual host.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_VHOST).
    type: str
  security_provider:
    description:
      - How messages are protected, as C(securityprovider) in C(client.cfg). There are V(psk), V(ssl), V(aes_security), and V(none) for tests.
      - None of them covers a whole message. See R(the guide,ansible_collections.pymco.mcollective.docsite.trust_model).
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_SECURITY_PROVIDER).
    type: str
  psk:
    description:
      - The pre-shared key, for the security provider V(psk). Wins over the environment variable E(MCOLLECTIVE_PSK).
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_PSK).
    type: str
  private_key:
    description:
      - The file of the caller's private key, for the security providers V(ssl) and V(aes_security). There is a warning if everybody can read it.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_PRIVATE_KEY).
    type: path
  public_key:
    description:
      - The file of the caller's public key or certificate, for V(ssl) and V(aes_security). Its name tells the nodes who calls.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_PUBLIC_KEY).
    type: path
  server_public_key:
    description:
      - The file of the public key that all nodes share, for V(ssl). Their replies are verified with it, which
        proves that one of the nodes has sent them, and not which.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_SERVER_PUBLIC_KEY).
    type: path
  serializer:
    description:
      - How messages are written with V(ssl) and V(aes_security). Nodes must have the same setting.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_SERIALIZER).
    type: str
    choices: [marshal, yaml]
  ca_cert:
    description:
      - The file of the authority that signs the brokers' certificates. Without one, the system's authorities are trusted.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CA_CERT).
    type: path
  client_cert:
    description:
      - The file of the certificate to show to the broker.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CLIENT_CERT).
    type: path
  client_key:
    description:
      - The file of its private key.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CLIENT_KEY).
    type: path
  validate_certs:
    description:
      - Whether a broker must show a certificate for its name that a trusted authority has signed. The name must be among its
        alternative names (subjectAltName).
      - Without that anybody between here and the broker can read and change everything, passwords included. It is for tests.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_VALIDATE_CERTS).
    type: bool
    default: true
  identity:
    description:
      - Who we are for brokers and nodes, as C(identity) in C(client.cfg). By default the host's name.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_IDENTITY).
    type: str
  collective:
    description:
      - The collective to address. By default the configuration's C(main_collective). It must be among its C(collectives).
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_COLLECTIVE).
    type: str
  connect_timeout:
    description:
      - Seconds that connecting may take, over all brokers. By default the configuration's C(connection_timeout), and V(10) without one.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_CONNECT_TIMEOUT).
    type: float
  max_reply_bytes:
    description:
      - >-
        Bytes that all replies to one request may have together, as they come from the broker. In memory usual replies take up to
        three times as much, and replies that were made to take much up to forty times. By default the configuration's
        C(plugin.pymco.max_reply_bytes), and V(536870912) (512 MiB) without one.
      - >-
        A reply that has no room is not kept. Its node is named in a warning and is among those that gave no response. A single
        reply may have 16 MiB, whatever is said here.
      - Can be set by the environment variable E(ANSIBLE_MCOLLECTIVE_MAX_REPLY_BYTES).
    type: int
requirements:
  - stomp.py >= 4.1.24
  - cryptography >= 3.4 (for C(securityprovider = ssl) and C(aes_security))
  - PyYAML >= 5.4 (for C(plugin.ssl_serializer = yaml) and C(plugin.aes.serializer = yaml))
"""

    PLUGINS = r"""
# Made of _task/options.py by tests/doc_options.py.
options:
  config_file:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CONFIG_FILE
    ini:
      - section: mcollective_collection
        key: config_file
  connector:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CONNECTOR
    ini:
      - section: mcollective_collection
        key: connector
  vhost:
    env:
      - name: ANSIBLE_MCOLLECTIVE_VHOST
    ini:
      - section: mcollective_collection
        key: vhost
  security_provider:
    env:
      - name: ANSIBLE_MCOLLECTIVE_SECURITY_PROVIDER
    ini:
      - section: mcollective_collection
        key: security_provider
  psk:
    env:
      - name: ANSIBLE_MCOLLECTIVE_PSK
    ini:
      - section: mcollective_collection
        key: psk
  private_key:
    env:
      - name: ANSIBLE_MCOLLECTIVE_PRIVATE_KEY
    ini:
      - section: mcollective_collection
        key: private_key
  public_key:
    env:
      - name: ANSIBLE_MCOLLECTIVE_PUBLIC_KEY
    ini:
      - section: mcollective_collection
        key: public_key
  server_public_key:
    env:
      - name: ANSIBLE_MCOLLECTIVE_SERVER_PUBLIC_KEY
    ini:
      - section: mcollective_collection
        key: server_public_key
  serializer:
    env:
      - name: ANSIBLE_MCOLLECTIVE_SERIALIZER
    ini:
      - section: mcollective_collection
        key: serializer
  ca_cert:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CA_CERT
    ini:
      - section: mcollective_collection
        key: ca_cert
  client_cert:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CLIENT_CERT
    ini:
      - section: mcollective_collection
        key: client_cert
  client_key:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CLIENT_KEY
    ini:
      - section: mcollective_collection
        key: client_key
  validate_certs:
    env:
      - name: ANSIBLE_MCOLLECTIVE_VALIDATE_CERTS
    ini:
      - section: mcollective_collection
        key: validate_certs
  identity:
    env:
      - name: ANSIBLE_MCOLLECTIVE_IDENTITY
    ini:
      - section: mcollective_collection
        key: identity
  collective:
    env:
      - name: ANSIBLE_MCOLLECTIVE_COLLECTIVE
    ini:
      - section: mcollective_collection
        key: collective
  connect_timeout:
    env:
      - name: ANSIBLE_MCOLLECTIVE_CONNECT_TIMEOUT
    ini:
      - section: mcollective_collection
        key: connect_timeout
  max_reply_bytes:
    env:
      - name: ANSIBLE_MCOLLECTIVE_MAX_REPLY_BYTES
    ini:
      - section: mcollective_collection
        key: max_reply_bytes
"""
    # Where plugins find the options besides, to be used together with the documentation above.
