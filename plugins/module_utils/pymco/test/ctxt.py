# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Options and a message for tests, by python-mcollective's names."""

from __future__ import annotations

import atexit
import os
import tempfile
import typing as t

_DIRECTORY = tempfile.TemporaryDirectory(prefix="pymco-test-")
atexit.register(_DIRECTORY.cleanup)

ROOT = _DIRECTORY.name
"""A directory of this process, for files of tests. It is gone when the process ends."""

TEST_CFG = os.path.join(ROOT, "server.cfg")
"""Where :func:`.utils.configfile` writes to."""

DEFAULT_CTXT: dict[str, t.Any] = {
    "identity": "mco1",
    "main_collective": "mcollective",
    "collectives": ["mcollective", "sub1", "sub2"],
    "topicprefix": "topic",
    "connector": "activemq",
    "plugin.activemq.pool.size": "1",
    "plugin.activemq.pool.1.host": "localhost",
    "plugin.activemq.pool.1.port": "61613",
    "plugin.activemq.pool.1.user": "mcollective",
    "plugin.activemq.pool.1.password": "secret",
    "plugin.activemq.pool.1.ssl": "false",
    "securityprovider": "ssl",
    "plugin.ssl_serializer": "yaml",
    "plugin.ssl_server_public": os.path.join(ROOT, "server-public.pem"),
    "plugin.ssl_client_private": os.path.join(ROOT, "client-private.pem"),
    "plugin.ssl_client_public": os.path.join(ROOT, "client-public.pem"),
    "libdir": os.path.join(ROOT, "plugins"),
    "logfile": os.path.join(ROOT, "mcollective.log"),
    "loglevel": "debug",
    "daemonize": 0,
}
"""The options of :func:`.utils.configfile`, where none are given. The key files are not there."""

MSG: dict[str, t.Any] = {
    "agent": "discovery",
    "body": "ping",
    "msgtime": 1395419893,
    "requestid": "003ba8142857ccb42cfc4d51262739ec",
}
"""What a message consists of, by names without their colons."""
