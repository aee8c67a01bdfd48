# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of secrets: what the keyring creates, what it keeps, and what it refuses."""

from __future__ import annotations

import datetime
import os
import pathlib
import pwd
import signal
import stat
import types
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.pymco.mcollective.plugins.module_utils import _certificates as certs
from ansible_collections.pymco.mcollective.plugins.module_utils._keyring import (
    CertificateOptions,
    Keyring,
    KeyringError,
    Options,
)

BROKER = CertificateOptions("broker", ("broker.example.com",), ("192.0.2.1", "2001:db8::1"))
ALICE = CertificateOptions("alice")
WANTED = Options(("alice",), ("alice", "nodes"), True, (BROKER, ALICE))


def ensure(path: pathlib.Path, options: Options = WANTED, dry: bool = False) -> list[str]:
    """What was changed."""
    keyring = Keyring(str(path), dry)
    keyring.ensure(options)
    return sorted(keyring.changed)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A whole keyring, which nobody changes."""
    path = tmp_path_factory.mktemp("master") / "keys"
    ensure(path)
    return path


@pytest.fixture
def keys(master: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy, to be changed."""
    path = tmp_path / "keys"
    for source in [master, *master.rglob("*")]:
        target = path / source.relative_to(master)
        if source.is_dir():
            target.mkdir(mode=0o700)
        else:
            target.write_bytes(source.read_bytes())
            target.chmod(stat.S_IMODE(source.stat().st_mode))
    return path


def certificate(path: pathlib.Path) -> x509.Certificate:
    return certs.load_certificate(path.read_bytes())


def private(path: pathlib.Path) -> t.Any:
    return certs.load_private_key(path.read_bytes())


FILES = [
    *("ca-private.pem", "ca.pem", "clients/alice-private.pem", "clients/alice.pem"),
    *("passwords/alice", "passwords/nodes", "psk", "server-private.pem", "server.pem"),
    *("tls/alice-private.pem", "tls/alice.pem", "tls/broker-private.pem", "tls/broker.pem"),
]


def test_all_that_is_missing_is_made(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a" / "keys"
    assert ensure(path) == ["./", *FILES]
    assert (
        sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()) == FILES
    )


def test_what_is_there_is_kept(keys: pathlib.Path) -> None:
    before = {file: file.read_bytes() for file in keys.rglob("*") if file.is_file()}
    assert ensure(keys) == []
    assert {file: file.read_bytes() for file in keys.rglob("*") if file.is_file()} == before


def test_a_dry_run_tells_the_same_and_writes_nothing(tmp_path: pathlib.Path) -> None:
    assert ensure(tmp_path / "keys", dry=True) == ["./", *FILES]
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_secrets(keys: pathlib.Path) -> None:
    for path in [keys, *keys.rglob("*")]:
        public = path.suffix == ".pem" and not path.stem.endswith("-private")
        assert public or not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.parametrize("name", ["psk", "passwords/alice", "server-private.pem", "tls", "."])
def test_what_others_can_read_is_closed(keys: pathlib.Path, name: str) -> None:
    path = keys / name
    path.chmod(0o755)
    told = {".": "./", "tls": "tls/"}.get(name, name)
    assert ensure(keys, dry=True) == [told]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert ensure(keys) == [told]
    assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_pairs_belong_together(keys: pathlib.Path) -> None:
    for name in ("server", "clients/alice"):
        key = private(keys / f"{name}-private.pem")
        assert certs.is_public_half((keys / f"{name}.pem").read_bytes(), key)
    assert (keys / "server.pem").read_bytes() != (keys / "clients" / "alice.pem").read_bytes()


def test_secrets_differ_and_need_no_quotes(keys: pathlib.Path) -> None:
    texts = [(keys / name).read_text() for name in ("psk", "passwords/alice", "passwords/nodes")]
    assert len(set(texts)) == 3
    assert all(text.strip().isalnum() and len(text.strip()) == 48 for text in texts)


def test_certificates_are_what_was_asked_for(keys: pathlib.Path) -> None:
    broker, alice = certificate(keys / "tls/broker.pem"), certificate(keys / "tls/alice.pem")
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example.com"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.1",
        "2001:db8::1",
    ]
    assert alice.subject.rfc4514_string() == "CN=alice"
    usage = alice.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [oid.dotted_string for oid in usage] == ["1.3.6.1.5.5.7.3.2"], "no server's"
    authority = certificate(keys / "ca.pem")
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not broker.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certs.signed_by(broker, private(keys / "ca-private.pem"))
    assert not certs.signed_by(broker, private(keys / "server-private.pem"))


def test_a_certificate_for_other_names_is_issued_again_with_its_key(keys: pathlib.Path) -> None:
    key = (keys / "tls/broker-private.pem").read_bytes()
    other = CertificateOptions("broker", ("other.example.com",))
    options = Options(("alice",), certificates=(other, ALICE))
    assert ensure(keys, options, dry=True) == ["tls/broker.pem"]
    assert ensure(keys, options) == ["tls/broker.pem"]
    assert (keys / "tls/broker-private.pem").read_bytes() == key
    assert ensure(keys, options) == []


def test_what_expires_soon_is_renewed(keys: pathlib.Path) -> None:
    """A renewed authority still is that of the certificates that it has issued."""
    key = private(keys / "ca-private.pem")
    options = Options(("alice",), certificates=(BROKER, ALICE), renew_days=826)
    assert ensure(keys, options, dry=True) == ["tls/alice.pem", "tls/broker.pem"]
    longer = Options(("alice",), certificates=(BROKER,), renew_days=4000, certificate_days=5000)
    assert ensure(keys, longer) == ["ca.pem", "tls/broker.pem"]
    assert certs.belongs_to(certificate(keys / "ca.pem"), key)
    assert certs.signed_by(certificate(keys / "tls/alice.pem"), key)


def test_certificates_begin_before_now(keys: pathlib.Path) -> None:
    """Clocks differ."""
    now = datetime.datetime.now(datetime.timezone.utc)
    begun = certificate(keys / "tls/broker.pem")
    if hasattr(begun, "not_valid_before_utc"):
        since = begun.not_valid_before_utc
    else:
        since = begun.not_valid_before.replace(tzinfo=datetime.timezone.utc)
    assert since <= now - datetime.timedelta(hours=23)


def test_stores_for_java(keys: pathlib.Path) -> None:
    java = CertificateOptions("broker", BROKER.dns, BROKER.addresses, java=True)
    options = Options(("alice",), certificates=(java,))
    if not certs.can_write_trust_stores():
        with pytest.raises(KeyringError, match="cryptography 45 or newer"):
            ensure(keys, options)
        return
    made = ["tls/broker-keystore.p12", "tls/broker-store-password", "tls/broker-truststore.p12"]
    assert ensure(keys, options, dry=True) == made
    assert ensure(keys, options) == made
    assert ensure(keys, options) == []
    (keys / "tls/broker-store-password").write_text("another\n")
    assert ensure(keys, options) == [made[0], made[2]], "they do not open with it"
    other = CertificateOptions("broker", ("other.example.com",), java=True)
    assert ensure(keys, Options(("alice",), certificates=(other,))) == [made[0], "tls/broker.pem"]


def test_stores_are_refused_where_they_cannot_be_made(
    keys: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certs, "can_write_trust_stores", lambda: False)
    java = CertificateOptions("broker", BROKER.dns, BROKER.addresses, java=True)
    with pytest.raises(KeyringError, match="cryptography 45 or newer"):
        ensure(keys, Options(certificates=(java,)))


# -- what is refused -------------------------------------------------------------------------------


def refusal(path: pathlib.Path, options: Options = WANTED) -> str:
    """Why it is refused, in check mode as well, without a change."""
    before = sorted(path.rglob("*"))
    with pytest.raises(KeyringError) as dry:
        ensure(path, options, dry=True)
    with pytest.raises(KeyringError) as caught:
        ensure(path, options)
    assert str(dry.value) == str(caught.value)
    assert sorted(path.rglob("*")) == before
    return str(caught.value)


@pytest.mark.parametrize("name", ["server", "clients/alice", "ca"])
def test_a_lost_private_key(keys: pathlib.Path, name: str) -> None:
    (keys / f"{name}-private.pem").unlink()
    assert f"but its private half {name}-private.pem does not: restore that" in refusal(keys)


@pytest.mark.parametrize("name", ["server", "clients/alice", "ca"])
def test_halves_of_different_keys(keys: pathlib.Path, name: str) -> None:
    other = keys / "tls/alice-private.pem"
    (keys / f"{name}-private.pem").write_bytes(other.read_bytes())
    assert f"{keys / name}.pem" in refusal(keys)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_private_key_that_is_none(keys: pathlib.Path, content: bytes) -> None:
    (keys / "server-private.pem").write_bytes(content)
    assert "server-private.pem is not an RSA private key in PEM" in refusal(keys)


def test_a_private_key_with_a_passphrase(keys: pathlib.Path) -> None:
    """MCollective cannot ask for a passphrase."""
    pem = private(keys / "server-private.pem").private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
    (keys / "server-private.pem").write_bytes(pem)
    assert "without a passphrase" in refusal(keys)


def test_a_certificate_that_is_none(keys: pathlib.Path) -> None:
    (keys / "tls/broker.pem").write_bytes(b"garbage")
    assert "tls/broker.pem is not a certificate in PEM" in refusal(keys)


def test_an_empty_password(keys: pathlib.Path) -> None:
    (keys / "passwords/alice").write_text("\n")
    assert "passwords/alice is empty" in refusal(keys)


@pytest.mark.parametrize("name", ["../alice", "a/b", "", ".hidden", "a\n", "é", "a-private"])
def test_names_that_would_be_other_files(tmp_path: pathlib.Path, name: str) -> None:
    for options in (
        Options((name,)),
        Options((), (name,)),
        Options(certificates=(CertificateOptions(name),)),
    ):
        assert f"{name!r} cannot be the name of a" in refusal(tmp_path / "keys", options)


def test_names_that_are_there_twice(tmp_path: pathlib.Path) -> None:
    assert "more than one client with the name a" in refusal(tmp_path, Options(("a", "a")))


def test_an_address_that_is_none(tmp_path: pathlib.Path) -> None:
    wanted = CertificateOptions("broker", addresses=("broker.example.com",))
    assert "is not an IP address; put names into dns" in refusal(
        tmp_path, Options(certificates=(wanted,))
    )


# -- the owners of the files -----------------------------------------------------------------------


class Foreign:
    """Gives files to somebody else, which takes no privileges: the system is made to say so."""

    UID = 4_000_000_000  # nobody has it

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._given: set[int] = set()
        for name in ("stat", "fstat"):
            monkeypatch.setattr(f"os.{name}", self._telling(getattr(os, name)))

    def give(self, path: pathlib.Path) -> None:
        self._given.add(path.lstat().st_ino)

    def _telling(self, real: t.Callable[..., os.stat_result]) -> t.Callable[..., os.stat_result]:
        def told(*arguments: t.Any, **options: t.Any) -> os.stat_result:
            found = real(*arguments, **options)
            if found.st_ino not in self._given:
                return found
            return os.stat_result((*found[:4], self.UID, *found[5:]))

        return told


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Foreign:
    return Foreign(monkeypatch)


DIRECTORIES = [".", "clients", "passwords", "tls"]


@pytest.mark.parametrize("name", [*DIRECTORIES, *FILES])
def test_what_belongs_to_somebody_else(keys: pathlib.Path, foreign: Foreign, name: str) -> None:
    foreign.give(keys / name)
    assert f"{keys / name} is owned by uid {Foreign.UID}, who can" in refusal(keys)


def test_the_owner_is_judged_by_the_open_file(
    keys: pathlib.Path, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is replaced between the check and the opening."""
    foreign.give(keys / "psk")
    monkeypatch.setattr(
        "ansible_collections.pymco.mcollective.plugins.module_utils._private_directory"
        ".PrivateDirectory._refuse_others",
        lambda *_arguments: None,
    )
    assert f"{keys / 'psk'} is owned by uid {Foreign.UID}" in refusal(keys)


def test_a_directory_of_ours_in_the_eyes_of_another_user(
    keys: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr("os.geteuid", lambda: Foreign.UID)
    message = refusal(keys)
    assert f"{keys} is owned by {owner}" in message and f"this runs as uid {Foreign.UID}" in message


@pytest.mark.parametrize("name", [*DIRECTORIES, *FILES])
def test_symbolic_links(keys: pathlib.Path, tmp_path: pathlib.Path, name: str) -> None:
    """The target of a link is not read, and its permissions do not change, though it would serve."""
    there = tmp_path / "elsewhere"
    (keys / name).rename(there)
    there.chmod(0o755)
    (keys / name).symlink_to(there)
    message = refusal(keys)
    assert f"{keys / name} is a symbolic link to {there}, owned by " in message
    assert stat.S_IMODE(there.stat().st_mode) == 0o755


@pytest.mark.parametrize("ending", ["/", "//", "/.", "/./", "/././/."])
def test_a_link_with_a_slash_behind_it(
    keys: pathlib.Path, tmp_path: pathlib.Path, ending: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(keys)
    with pytest.raises(KeyringError, match="link is a symbolic link to .*name the directory that"):
        Keyring(f"{link}{ending}").ensure(WANTED)


@pytest.mark.parametrize("name", ["clients", "passwords", "tls"])
def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: pathlib.Path, name: str) -> None:
    path = tmp_path / "keys"
    path.mkdir(mode=0o700)
    (path / name).symlink_to(tmp_path / "made")
    assert f"{path / name} is a symbolic link" in refusal(path)
    assert not (tmp_path / "made").exists()


@pytest.fixture
def impatient() -> t.Iterator[None]:
    """Ends a test that waits for a file's other end, after a minute."""

    def give_up(_signal: int, _frame: types.FrameType | None) -> None:
        raise AssertionError("the file is still waited for")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", FILES)
def test_a_fifo_in_place_of_a_file(keys: pathlib.Path, name: str) -> None:
    (keys / name).unlink()
    os.mkfifo(keys / name)
    assert f"{keys / name} is a fifo, owned by" in refusal(keys)


@pytest.mark.parametrize("name", DIRECTORIES)
def test_a_file_in_place_of_a_directory(tmp_path: pathlib.Path, name: str) -> None:
    path = tmp_path / "keys"
    if name != ".":
        path.mkdir(mode=0o700)
    (path / name).write_text("text")
    assert "is a regular file, owned by" in refusal(path)


def test_a_public_file_that_others_can_write_is_closed_to_them(keys: pathlib.Path) -> None:
    (keys / "ca.pem").chmod(0o666)
    assert ensure(keys, dry=True) == ["ca.pem"]
    assert ensure(keys) == ["ca.pem"]
    assert stat.S_IMODE((keys / "ca.pem").stat().st_mode) == 0o644


def test_the_content_of_a_file_is_not_shown(keys: pathlib.Path) -> None:
    for name in ("server-private.pem", "ca.pem"):
        before = (keys / name).read_bytes()
        (keys / name).write_bytes(b"-----BEGIN CERTIFICATE-----\nSECRET_\n")
        assert refusal(keys).split("PEM")[1] in ("", " without a passphrase")
        (keys / name).write_bytes(before)


def test_no_descriptor_is_left_open(keys: pathlib.Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    ensure(keys)
    (keys / "psk").write_text("")
    refusal(keys)
    assert len(os.listdir("/proc/self/fd")) == before


def test_nothing_half_written_stays(keys: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (keys / "psk").unlink()

    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)
    before = sorted(keys.rglob("*"))
    with pytest.raises(OSError, match="No space left"):
        ensure(keys)
    assert sorted(keys.rglob("*")) == before
