# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who the caller is for Choria: certificates in files, Puppet's directories, and what is missing there."""

from __future__ import annotations

import datetime
import pathlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import choria
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.certificates import (
    new_key,
)
from ansible_collections.pymco.mcollective.tests.unit.plugins.module_utils.pymco.choria_settings import (
    FILE,
    HOSTS,
    puppet,
    read,
    refused,
)

pytestmark = pytest.mark.usefixtures("no_root")


# -- callers ---------------------------------------------------------------------------------------


def certificate(path: pathlib.Path, common: str | None, *others: str) -> str:
    """Write a certificate with these names. Returns its path."""
    key, now = new_key(), datetime.datetime.now(datetime.timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if others:
        names = x509.SubjectAlternativeName([x509.DNSName(other) for other in others])
        builder = builder.add_extension(names, critical=False)
    made = builder.sign(key, hashes.SHA256())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(path)


@pytest.mark.parametrize(
    "names,environ,more,caller",
    [
        # Choria's own rule, where the certificate has that name.
        (["alice.mcollective"], {"USER": "alice"}, {}, "alice.mcollective"),
        (["other", "x", "alice.mcollective"], {"USER": "alice"}, {}, "alice.mcollective"),
        (["ctl.example"], {}, {"identity": "ctl.example"}, "ctl.example"),
        # Its client gets no answer here.
        (["bob.mcollective"], {"USER": "alice"}, {}, "bob.mcollective"),
        (["bob.mcollective"], {}, {"identity": "ctl.example"}, "bob.mcollective"),
        ([None, "bob.mcollective"], {"USER": "alice"}, {}, "bob.mcollective"),
        (["bob.mcollective"], {"USER": "no name"}, {}, "bob.mcollective"),
        # Nodes believe any name with these.
        (["root.privileged.mcollective"], {"USER": "alice"}, {}, "alice.mcollective"),
        (
            ["admin.corp"],
            {"USER": "alice"},
            {"plugin.choria.security.privileged_users": r"^nobody$, \.corp$"},
            "alice.mcollective",
        ),
        (
            ["admin.corp"],
            {"USER": "alice"},
            {"plugin.choria.security.privileged_users": "("},
            "admin.corp",
        ),
        # Somebody says it.
        (
            ["bob.mcollective"],
            {"USER": "x", "MCOLLECTIVE_CERTNAME": "carol.mcollective"},
            {},
            "carol.mcollective",
        ),
        (
            ["bob.mcollective"],
            {"USER": "x"},
            {"plugin.pymco.certname": "dave.mcollective"},
            "dave.mcollective",
        ),
        (
            ["bob.mcollective"],
            {"MCOLLECTIVE_CERTNAME": "carol.mcollective"},
            {"plugin.pymco.certname": "dave.mcollective"},
            "carol.mcollective",
        ),
    ],
)
def test_callers_with_a_certificate_in_a_file(
    names: list[str],
    environ: dict[str, str],
    more: dict[str, str],
    caller: str,
    tmp_path: pathlib.Path,
) -> None:
    path = certificate(tmp_path / "cert.pem", *names)
    found = read({**FILE, "plugin.security.file.certificate": path, **more}, environ)
    assert found.certname == caller


def test_root_has_the_identity_as_in_choria(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    path = certificate(tmp_path / "cert.pem", "ctl.example", "root.mcollective")
    given = {**FILE, "plugin.security.file.certificate": path, "identity": "ctl.example"}
    assert read(given, {"USER": "root"}).certname == "ctl.example"


@pytest.mark.parametrize("content", [None, b"no certificate", b""])
def test_a_certificate_that_cannot_be_read_is_left_to_who_needs_it(
    content: bytes | None, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    given = {**FILE, "plugin.security.file.certificate": str(path)}
    assert read(given, {"USER": "alice"}).certname == "alice.mcollective"


@pytest.mark.parametrize("name", ["a b", "a/b", "../x", "*", "a=b", "\N{GREEK SMALL LETTER ALPHA}"])
def test_a_name_that_no_caller_has_is_refused(name: str) -> None:
    words = "may have letters, digits, dots, dashes and underscores only"
    assert refused({**FILE, "plugin.pymco.certname": name}) == (
        f"the given options: plugin.pymco.certname {words}"
    )
    assert refused(FILE, {"MCOLLECTIVE_CERTNAME": name}) == (
        f"the environment: MCOLLECTIVE_CERTNAME {words}"
    )


# -- Puppet's directories --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ,more,certname",
    [
        ({"USER": "alice"}, {}, "alice.mcollective"),
        ({"USER": "alice", "MCOLLECTIVE_CERTNAME": "bob.x"}, {}, "bob.x"),
        ({"USER": "alice"}, {"plugin.pymco.certname": "carol"}, "carol"),
    ],
)
@pytest.mark.parametrize("provider", ["puppet", ""])
def test_puppets_files(
    environ: dict[str, str],
    more: dict[str, str],
    certname: str,
    provider: str,
    tmp_path: pathlib.Path,
) -> None:
    puppet(tmp_path, certname)
    given = {
        HOSTS: "a:1",
        "plugin.choria.ssldir": str(tmp_path),
        "plugin.security.provider": provider,
    }
    assert read({**given, **more}, environ) == choria.ChoriaOptions(
        version=1,
        hosts=(("a", 1),),
        ca=f"{tmp_path}/certs/ca.pem",
        cert=f"{tmp_path}/certs/{certname}.pem",
        key=f"{tmp_path}/private_keys/{certname}.pem",
        certname=certname,
        legacy_certificates=True,
    )


def test_a_key_of_puppet_that_everybody_can_read_is_told(tmp_path: pathlib.Path) -> None:
    puppet(tmp_path, "alice.mcollective")
    (tmp_path / "private_keys/alice.mcollective.pem").chmod(0o644)
    found = read({HOSTS: "a:1", "plugin.choria.ssldir": str(tmp_path)}, {"USER": "alice"})
    (warning,) = found.warnings
    assert "private_keys/alice.mcollective.pem has mode 0644" in warning


@pytest.mark.parametrize("root,system", [(True, True), (True, False), (False, True)])
def test_where_puppets_files_are(
    root: bool, system: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = puppet(tmp_path / ".puppetlabs/etc/puppet/ssl", "alice.mcollective")
    of_system = tmp_path / "etc"
    if system:
        puppet(of_system, "alice.mcollective")
    monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
    name = f"{choria.__name__}.values.SYSTEM_SSLDIRS"
    monkeypatch.setattr(name, (str(tmp_path / "no such"), str(of_system)))
    found = read({HOSTS: "a:1"}, {"USER": "alice", "HOME": str(tmp_path)})
    directory = of_system if root and system else own
    assert found.cert == f"{directory}/certs/alice.mcollective.pem"


@pytest.mark.parametrize(
    "gone", ["certs/a.mcollective.pem", "private_keys/a.mcollective.pem", "certs/ca.pem"]
)
def test_a_file_of_puppet_that_is_not_there_is_named(gone: str, tmp_path: pathlib.Path) -> None:
    (puppet(tmp_path, "a.mcollective") / gone).unlink()
    words = refused({HOSTS: "a:1", "plugin.choria.ssldir": str(tmp_path)}, {"USER": "a"})
    assert words == (
        f"the given options: {tmp_path}/{gone} does not exist. With plugin.security.provider = puppet it"
        " is named by plugin.choria.ssldir and the name of the caller, a.mcollective, which"
        " plugin.pymco.certname or MCOLLECTIVE_CERTNAME sets. For files with other names, set"
        " plugin.security.provider = file"
    )


def test_without_a_user_the_name_must_be_said() -> None:
    assert refused({HOSTS: "a:1"}) == (
        "the given options: the client's certificate has no name: set plugin.pymco.certname to its name,"
        " without .pem; or the option certname of a task; or the environment variable USER, which stands"
        " for USER.mcollective"
    )


def test_without_a_home_the_directory_must_be_said() -> None:
    words = refused({HOSTS: "a:1"}, {"USER": "a"})
    assert words.startswith("the given options: the option plugin.choria.ssldir is missing, and")
