# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private ActiveMQ."""

from __future__ import annotations

import secrets
import typing as t
from string import Template
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from ..keys import write_file
from . import programs
from .broker import Broker, Tls

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from .place import Place

#: Groups, queues and topics as MCollective's documentation of ActiveMQ has them.
_CONFIG = Template("""\
<beans xmlns="http://www.springframework.org/schema/beans"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.springframework.org/schema/beans
    http://www.springframework.org/schema/beans/spring-beans.xsd
    http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" brokerName="testbed"
    useJmx="false" persistent="false" schedulePeriodForDestinationPurge="$purge">
<destinationPolicy><policyMap><policyEntries>
  <policyEntry topic="&gt;" producerFlowControl="false"/>
  <policyEntry queue="*.reply.&gt;" gcInactiveDestinations="true" inactiveTimoutBeforeGC="$inactive"/>
</policyEntries></policyMap></destinationPolicy>
<plugins>
  <simpleAuthenticationPlugin><users>
$users
  </users></simpleAuthenticationPlugin>
  <authorizationPlugin><map><authorizationMap><authorizationEntries>
    <authorizationEntry queue="&gt;" read="admins" write="admins" admin="admins"/>
    <authorizationEntry topic="&gt;" read="admins" write="admins" admin="admins"/>
    <authorizationEntry topic="ActiveMQ.Advisory.&gt;"
        read="everyone" write="everyone" admin="everyone"/>
$entries
  </authorizationEntries></authorizationMap></map></authorizationPlugin>
</plugins>
$ssl_context
<transportConnectors>
$connectors
</transportConnectors>
</broker></beans>
""")

_LOGGING = Template("""\
log4j.rootLogger=INFO, file
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.file=$log
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=%d %p %c %m%n
""")

_CLASSPATH = "/usr/share/activemq/lib/*:/usr/share/activemq/lib/optional/*"


class ActiveMQ(Broker):
    """It has no virtual hosts. Names and permissions separate the collectives."""

    connector = "activemq"
    program = "ActiveMQ"

    def __init__(
        self,
        places: Iterable[Place | str] = (),
        tls: Tls | None = None,
        inactive: float = 300,
    ) -> None:
        """``inactive``: after so many seconds without use, the broker removes a queue for replies."""
        super().__init__(places, tls)
        self._inactive = inactive
        self._store_password = secrets.token_hex(8)

    def vhost(self, place: Place) -> str:
        return "mcollective"

    def collective(self, place: Place, name: str) -> str:
        return f"{place.name}-{name}"

    def broadcasts(self, collective: str, agent: str) -> str:
        return f"/topic/{collective}.{agent}.agent" if agent else f"/topic/{collective}.agents"

    def _write_files(self) -> None:
        home = self.directory
        ssl_context = ""
        if self.tls is not None:
            self._write_stores(self.tls)
            ssl_context = self._ssl_context()
        config = _CONFIG.substitute(
            users="\n".join(map(_user, self.places.values())),
            entries="\n".join(self._entries()),
            inactive=round(self._inactive * 1000),
            purge=round(self._inactive * 200),
            ssl_context=ssl_context,
            connectors="\n".join(self._connectors()),
        )
        write_file(home / "activemq.xml", config.encode(), 0o600)
        (home / "log4j.properties").write_text(_LOGGING.substitute(log=self.log))

    def _entries(self) -> t.Iterator[str]:
        """Return what each place's user may do with the queues and topics of its collectives."""
        for place in self.places.values():
            group = quoteattr(place.name)
            rights = f"read={group} write={group} admin={group}"
            for name in place.collectives:
                collective = self.collective(place, name)
                for kind in ("topic", "queue"):
                    destinations = quoteattr(f"{collective}.>")
                    yield f"    <authorizationEntry {kind}={destinations} {rights}/>"

    def _connectors(self) -> t.Iterator[str]:
        yield f'  <transportConnector name="stomp" uri="stomp+nio://127.0.0.1:{self.stomp_port}"/>'
        if self.tls is not None:
            demand = "needClientAuth" if self.tls.demands_client else "wantClientAuth"
            uri = f"stomp+nio+ssl://127.0.0.1:{self.tls_port}?{demand}=true"
            yield f'  <transportConnector name="stomp+ssl" uri="{uri}"/>'

    def _ssl_context(self) -> str:
        settings = []
        for store in ("keyStore", "trustStore"):
            settings.append(f'{store}="file:{self.directory / store}.p12"')
            settings.append(f'{store}Type="PKCS12" {store}Password="{self._store_password}"')
        return f"<sslContext><sslContext {' '.join(settings)}/></sslContext>"

    def _write_stores(self, tls: Tls) -> None:
        """Write the certificates in the only form of PKCS12 that Java reads."""
        key = serialization.load_pem_private_key(tls.server.key.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(tls.server.path.read_bytes())
        authority = x509.load_pem_x509_certificate(tls.authority.read_bytes())
        encryption = serialization.BestAvailableEncryption(self._store_password.encode())
        private = t.cast("pkcs12.PKCS12PrivateKeyTypes", key)
        stores = {
            "keyStore": pkcs12.serialize_key_and_certificates(
                b"broker", private, certificate, [authority], encryption
            ),
            "trustStore": pkcs12.serialize_java_truststore(
                [pkcs12.PKCS12Certificate(authority, b"authority")], encryption
            ),
        }
        for name, content in stores.items():
            write_file(self.directory / f"{name}.p12", content, 0o600)

    def _spawn(self) -> None:
        home = self.directory
        java = [
            *(str(programs.require("java")), "-Xmx256m"),
            # This halves the time to start, and is enough for a broker that runs for minutes.
            *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            *("-Djava.awt.headless=true", f"-Djava.io.tmpdir={home}"),
            *("-Dactivemq.home=/usr/share/activemq", f"-Dactivemq.base={home}"),
            f"-Dlog4j.configuration=file:{home / 'log4j.properties'}",
            *("-classpath", _CLASSPATH, "org.apache.activemq.console.Main"),
        ]
        self._run(
            [*java, "start", f"xbean:file:{home / 'activemq.xml'}"], programs.environment(home)
        )


def _user(place: Place) -> str:
    name, password = quoteattr(place.user), quoteattr(place.password)
    groups = quoteattr(f"{place.name},everyone")
    return f"    <authenticationUser username={name} password={password} groups={groups}/>"
