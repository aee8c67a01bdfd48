# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that configure the client."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of plugins that connect to a broker."""

    DOCUMENTATION = r"""
options:
  config_file:
    description:
      - The client's configuration file, the same that C(mco) or C(choria) uses. The files in C(plugin.d) next to it are read too,
        but not next to a C(.choriarc).
      - The default is the first readable file of C(~/.choriarc), C(~/.mcollective), C(/etc/choria/client.conf),
        C(/usr/local/etc/choria/client.conf), C(/etc/puppetlabs/mcollective/client.cfg) and C(/etc/mcollective/client.cfg).
        No file is needed if O(connector) or O(config) sets a connector, or if O(security_provider=choria).
      - A file without C(connector) and C(securityprovider) is a file of Choria if it has an option that begins with C(plugin.choria.),
        C(plugin.security.) or C(plugin.nats.), if its name is C(.choriarc), or if its directory is C(choria). The connector then is
        V(nats), and the security provider V(choria).
      - A C(choria.conf) in the working directory or above it is never read, although C(choria) reads it. Whoever can write to such a
        directory could send requests and passwords to other brokers.
      - The file, and the keys that it names, must be on the host where the module runs.
      - It must be a regular file of at most 1 MiB. A warning appears if other users can change the file, or if it contains secrets that
        everybody can read.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CONFIG_FILE) sets this option too.
    type: path
  config:
    description:
      - Options by their names in C(client.cfg), or in Choria's C(client.conf). They take precedence over the file.
      - Ansible shows a value only if the option is known, is not secret, and the value has the right type. Every other value is hidden
        in all output, also if only the option's name is misspelt.
    type: dict
  connector:
    description:
      - The kind of broker, as C(connector) in C(client.cfg). It is V(activemq), V(rabbitmq) or V(stomp), or V(nats) for Choria.
      - With this option, no configuration file is needed, because the other options can replace it.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CONNECTOR) sets this option too.
    type: str
  brokers:
    description:
      - The brokers to try, in this order. They replace the brokers in the configuration. An entry is a dictionary or a URL.
      - A URL has the form V(SCHEME://USER:PASSWORD@HOST:PORT), such as V(stomp+tls://alice@broker.example.com:61614). Only the scheme and
        the host are required. The scheme is V(stomp), or V(stomp+tls) for a connection with TLS, which has the default port V(61614). With
        O(connector=nats) it is V(nats) or V(nats+tls), which both mean TLS.
      - In a user or password of a URL, write all characters except letters, digits, C(-), C(.), C(_) and C(~) in percent-encoding,
        for example V(%40) for C(@). The password is hidden in all output.
      - An environment variable and C(ansible.cfg) take URLs only, separated by commas.
      - With O(connector=nats), all suboptions except C(host) and C(port) must be the same for all brokers.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_BROKERS) sets this option too.
    type: list
    elements: raw
    suboptions:
      host:
        description: The broker's host name or address.
        type: str
        required: true
      port:
        description: The port of the broker. The default is V(4222) with O(connector=nats), V(6163) with O(connector=stomp), and V(61613) otherwise.
        type: int
      user:
        description: The user that logs in. It takes precedence over the environment variables E(STOMP_USER) and E(MCOLLECTIVE_NATS_USERNAME).
        type: str
      password:
        description:
          - The user's password. It takes precedence over the environment variables E(STOMP_PASSWORD) and E(MCOLLECTIVE_NATS_PASSWORD).
        type: str
      tls:
        description:
          - Whether to encrypt the connection. The default is V(true) if the broker has a C(ca_cert) or C(client_cert), or with
            O(connector=nats), and V(false) otherwise.
          - With O(connector=nats), use V(false) only for tests.
        type: bool
      ca_cert:
        description: Replaces O(ca_cert) for this broker.
        type: path
      client_cert:
        description: Replaces O(client_cert) for this broker.
        type: path
      client_key:
        description: Replaces O(client_key) for this broker.
        type: path
      validate_certs:
        description: Replaces O(validate_certs) for this broker.
        type: bool
  vhost:
    description:
      - The broker's virtual host. There is none with O(connector=nats).
      - The environment variable E(ANSIBLE_MCOLLECTIVE_VHOST) sets this option too.
    type: str
  security_provider:
    description:
      - How messages are protected, as C(securityprovider) in C(client.cfg). It is V(psk), V(ssl), V(aes_security), or V(none) for tests;
        and V(choria) for Choria, which is used with O(connector=nats) only.
      - With V(choria), O(token_file) and O(seed_file) make the client identify itself by a token, and O(client_cert), O(client_key) and
        O(ca_cert) without them by a certificate. Without any of these options, C(plugin.security.provider) of the configuration decides.
      - None of them protects a whole message. See R(the guide,ansible_collections.pymco.mcollective.docsite.trust_model).
      - The environment variable E(ANSIBLE_MCOLLECTIVE_SECURITY_PROVIDER) sets this option too.
    type: str
  psk:
    description:
      - The pre-shared key, for the security provider V(psk). It takes precedence over the environment variable E(MCOLLECTIVE_PSK).
      - The environment variable E(ANSIBLE_MCOLLECTIVE_PSK) sets this option too.
    type: str
  private_key:
    description:
      - The file with the caller's private key, for the security providers V(ssl) and V(aes_security). A warning appears if everybody can
        read it.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_PRIVATE_KEY) sets this option too.
    type: path
  public_key:
    description:
      - The file with the caller's public key or certificate, for V(ssl) and V(aes_security). Nodes identify the caller by the file's name.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_PUBLIC_KEY) sets this option too.
    type: path
  server_public_key:
    description:
      - The file with the public key that all nodes share, for V(ssl). The client verifies replies with it. A good signature proves
        that some node made the reply, and not which one.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_SERVER_PUBLIC_KEY) sets this option too.
    type: path
  serializer:
    description:
      - The format of messages with V(ssl) and V(aes_security). Nodes must have the same setting.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_SERIALIZER) sets this option too.
    type: str
    choices: [marshal, yaml]
  certname:
    description:
      - The name of the caller, for O(security_provider=choria) with a certificate. The certificate must be for this name. The option
        takes precedence over the environment variable E(MCOLLECTIVE_CERTNAME), and is C(plugin.pymco.certname) in the configuration.
      - The default is C(USER.mcollective), where C(USER) is the user's name, as with C(choria). If C(plugin.security.provider=file) and
        the certificate is not for this name, the default is the certificate's common name.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CERTNAME) sets this option too.
    type: str
  token_file:
    description:
      - The file with the caller's token (a JSON Web Token), for O(security_provider=choria). It is
        C(plugin.security.choria.token_file) in the configuration. O(seed_file) is required too.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_TOKEN_FILE) sets this option too.
    type: path
  seed_file:
    description:
      - The file with the seed of the private key of O(token_file), for O(security_provider=choria). It is
        C(plugin.security.choria.seed_file) in the configuration. A warning appears if everybody can read it.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_SEED_FILE) sets this option too.
    type: path
  issuers:
    description:
      - The issuers of tokens by their names, with the public key of each in hexadecimal digits, for O(security_provider=choria) with
        O(token_file). They are C(plugin.security.issuer.names) and
        C(plugin.security.issuer.NAME.public) in the configuration.
      - The client then accepts only replies that are signed by nodes with tokens of these issuers. Without issuers, nothing proves which
        node sent a reply, and a warning says so.
    type: dict
  ca_cert:
    description:
      - The file with the certificate of the authority that signs the brokers' certificates. By default, the client trusts the system's
        authorities. With O(connector=nats) there is no default.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CA_CERT) sets this option too.
    type: path
  client_cert:
    description:
      - The file with the client's TLS certificate. With O(security_provider=choria) and without O(token_file), it also identifies the
        caller.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CLIENT_CERT) sets this option too.
    type: path
  client_key:
    description:
      - The file with the private key of O(client_cert).
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CLIENT_KEY) sets this option too.
    type: path
  validate_certs:
    description:
      - Whether a broker must show a certificate for its host name that a trusted authority has signed. The name must be in the
        certificate's C(subjectAltName).
      - With V(false), anybody between the client and the broker can read and change everything, passwords included. Use it only for tests.
        It has no use with O(connector=nats), which always verifies brokers.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_VALIDATE_CERTS) sets this option too.
    type: bool
    default: true
  identity:
    description:
      - The client's name for brokers and nodes, as C(identity) in C(client.cfg). The default is the host's name.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_IDENTITY) sets this option too.
    type: str
  collective:
    description:
      - The collective to address. It must be one of the configuration's C(collectives). The default is the configuration's C(main_collective).
      - The environment variable E(ANSIBLE_MCOLLECTIVE_COLLECTIVE) sets this option too.
    type: str
  connect_timeout:
    description:
      - How many seconds connecting may take, over all brokers. The default is the configuration's C(connection_timeout), or V(10) if that
        is not set.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_CONNECT_TIMEOUT) sets this option too.
    type: float
  max_reply_bytes:
    description:
      - >-
        The maximum size in bytes of all replies to one request, as they come from the broker. A part that a reply has once and refers to
        many times counts each time. In memory, usual replies take up to three times as much, and malicious replies up to forty times.
        The default is the configuration's C(plugin.pymco.max_reply_bytes), or V(536870912) (512 MiB) if that is not set.
      - >-
        The client drops a reply that exceeds this size. A warning names its node, and the node counts as one that did not respond. The
        limit for a single reply is always 16 MiB.
      - The environment variable E(ANSIBLE_MCOLLECTIVE_MAX_REPLY_BYTES) sets this option too.
    type: int
notes:
  - Every option with an environment variable can also be set in the section C([mcollective_collection]) of C(ansible.cfg), under its own
    name. The order is the option itself, then the environment variable, then C(ansible.cfg), then the configuration file.
  - Each such environment variable has a second name, which begins with C(PYMCO_) instead of C(ANSIBLE_MCOLLECTIVE_), such as
    E(PYMCO_CONFIG_FILE). AWX does not let a credential set a variable whose name begins with C(ANSIBLE_). If both are set, the
    first name takes precedence.
  - A module that runs on another host gets the values that C(ansible.cfg) has on the control host, with all paths as they are there. It
    reads the environment variables and the configuration file of its own host. There, C(ansible.cfg) takes precedence over variables
    that the keyword C(environment) does not set.
requirements:
  - python >= 3.9
  - stomp.py >= 4.1.24
  - cryptography >= 3.4 (for C(securityprovider = ssl), C(aes_security) and C(choria))
  - dnspython >= 2.0 (for C(connector = nats) with brokers that only SRV records name)
  - PyYAML >= 5.4 (for C(plugin.ssl_serializer = yaml) and C(plugin.aes.serializer = yaml))
"""

    PLUGINS = r"""
# Generated from _task/options.py by tests/doc_options.py.
options:
  config_file:
    env: [{name: PYMCO_CONFIG_FILE}, {name: ANSIBLE_MCOLLECTIVE_CONFIG_FILE}]
    ini: [{section: mcollective_collection, key: config_file}]
  connector:
    env: [{name: PYMCO_CONNECTOR}, {name: ANSIBLE_MCOLLECTIVE_CONNECTOR}]
    ini: [{section: mcollective_collection, key: connector}]
  brokers:
    env: [{name: PYMCO_BROKERS}, {name: ANSIBLE_MCOLLECTIVE_BROKERS}]
    ini: [{section: mcollective_collection, key: brokers}]
  vhost:
    env: [{name: PYMCO_VHOST}, {name: ANSIBLE_MCOLLECTIVE_VHOST}]
    ini: [{section: mcollective_collection, key: vhost}]
  security_provider:
    env: [{name: PYMCO_SECURITY_PROVIDER}, {name: ANSIBLE_MCOLLECTIVE_SECURITY_PROVIDER}]
    ini: [{section: mcollective_collection, key: security_provider}]
  psk:
    env: [{name: PYMCO_PSK}, {name: ANSIBLE_MCOLLECTIVE_PSK}]
    ini: [{section: mcollective_collection, key: psk}]
  private_key:
    env: [{name: PYMCO_PRIVATE_KEY}, {name: ANSIBLE_MCOLLECTIVE_PRIVATE_KEY}]
    ini: [{section: mcollective_collection, key: private_key}]
  public_key:
    env: [{name: PYMCO_PUBLIC_KEY}, {name: ANSIBLE_MCOLLECTIVE_PUBLIC_KEY}]
    ini: [{section: mcollective_collection, key: public_key}]
  server_public_key:
    env: [{name: PYMCO_SERVER_PUBLIC_KEY}, {name: ANSIBLE_MCOLLECTIVE_SERVER_PUBLIC_KEY}]
    ini: [{section: mcollective_collection, key: server_public_key}]
  serializer:
    env: [{name: PYMCO_SERIALIZER}, {name: ANSIBLE_MCOLLECTIVE_SERIALIZER}]
    ini: [{section: mcollective_collection, key: serializer}]
  certname:
    env: [{name: PYMCO_CERTNAME}, {name: ANSIBLE_MCOLLECTIVE_CERTNAME}]
    ini: [{section: mcollective_collection, key: certname}]
  token_file:
    env: [{name: PYMCO_TOKEN_FILE}, {name: ANSIBLE_MCOLLECTIVE_TOKEN_FILE}]
    ini: [{section: mcollective_collection, key: token_file}]
  seed_file:
    env: [{name: PYMCO_SEED_FILE}, {name: ANSIBLE_MCOLLECTIVE_SEED_FILE}]
    ini: [{section: mcollective_collection, key: seed_file}]
  ca_cert:
    env: [{name: PYMCO_CA_CERT}, {name: ANSIBLE_MCOLLECTIVE_CA_CERT}]
    ini: [{section: mcollective_collection, key: ca_cert}]
  client_cert:
    env: [{name: PYMCO_CLIENT_CERT}, {name: ANSIBLE_MCOLLECTIVE_CLIENT_CERT}]
    ini: [{section: mcollective_collection, key: client_cert}]
  client_key:
    env: [{name: PYMCO_CLIENT_KEY}, {name: ANSIBLE_MCOLLECTIVE_CLIENT_KEY}]
    ini: [{section: mcollective_collection, key: client_key}]
  validate_certs:
    env: [{name: PYMCO_VALIDATE_CERTS}, {name: ANSIBLE_MCOLLECTIVE_VALIDATE_CERTS}]
    ini: [{section: mcollective_collection, key: validate_certs}]
  identity:
    env: [{name: PYMCO_IDENTITY}, {name: ANSIBLE_MCOLLECTIVE_IDENTITY}]
    ini: [{section: mcollective_collection, key: identity}]
  collective:
    env: [{name: PYMCO_COLLECTIVE}, {name: ANSIBLE_MCOLLECTIVE_COLLECTIVE}]
    ini: [{section: mcollective_collection, key: collective}]
  connect_timeout:
    env: [{name: PYMCO_CONNECT_TIMEOUT}, {name: ANSIBLE_MCOLLECTIVE_CONNECT_TIMEOUT}]
    ini: [{section: mcollective_collection, key: connect_timeout}]
  max_reply_bytes:
    env: [{name: PYMCO_MAX_REPLY_BYTES}, {name: ANSIBLE_MCOLLECTIVE_MAX_REPLY_BYTES}]
    ini: [{section: mcollective_collection, key: max_reply_bytes}]
"""
    # Environment variables and keys of ansible.cfg for plugins, in addition to the documentation above.
