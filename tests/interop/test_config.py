# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""We read configuration files as the reference reads them."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
from testbed.real import missing, programs

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.config import Config

Values = dict[str, t.Any]

DEBIAN = Path("/etc/mcollective/client.cfg")
# The shape of what Puppet's all-in-one package installs: libdir three times, a short timeout.
AIO = """\
main_collective = mcollective
collectives = mcollective

libdir = /opt/puppetlabs/mcollective/plugins
libdir = /usr/share/mcollective/plugins
libdir = /opt/puppetlabs/puppet/lib/ruby/vendor_ruby

# Messages go to the terminal
logger_type = console
loglevel = warn

# Plugins
securityprovider = psk
plugin.psk = unset

connector = activemq
plugin.activemq.pool.size = 1
plugin.activemq.pool.1.host = stomp1
plugin.activemq.pool.1.port = 61613
plugin.activemq.pool.1.user = mcollective
plugin.activemq.pool.1.password = marionette

connection_timeout = 3

# Facts
factsource = yaml
plugin.yaml = /etc/puppetlabs/mcollective/facts.yaml
"""

TEXTS = [
    *("classesfile", "default_discovery_method", "logfacility", "logfile", "logger_type"),
    *("loglevel", "main_collective", "rpclimitmethod", "ssl_cipher"),
]
# The reference makes the names of classes of these.
NAMES = ["connector", "factsource", "securityprovider"]
INTEGERS = [
    *("default_batch_size", "direct_addressing_threshold", "fact_cache_time", "keeplogs"),
    *("max_log_size", "ttl"),
]
# Parts of a second are taken by us alone.
SECONDS = ["connection_timeout", "discovery_timeout", "publish_timeout"]
FLOATS = ["default_batch_sleep_time"]
BOOLEANS = ["color", "direct_addressing", "threaded"]
TYPED = {*INTEGERS, *SECONDS, *FLOATS, *BOOLEANS, "identity"}
OURS = {"connection_timeout": 10.0, "discovery_timeout": 2.0}
"""Our own defaults: the reference waits for a connection for ever, and takes the seconds of
discovery from a file of the method, which says 2."""


class Reference:
    """MCollective::Config, in one process for all files."""

    def __enter__(self) -> Reference:
        self._process = subprocess.Popen(
            [str(programs.require("ruby")), "-W0", str(Path(__file__).with_name("config.rb"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=programs.environment(Path("/")),
        )
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.communicate()

    def read(self, path: Path) -> Values | str:
        """What it reads, or why it does not."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(str(path)).encode() + b"\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "refused" in answer:
            return str(answer["refused"])
        found: Values = answer["read"]
        found.update({name: found[name].lower() for name in NAMES})
        return found


@pytest.fixture(scope="module")
def reference() -> t.Iterator[Reference]:
    """The reference's reader."""
    reason = missing()
    if reason:
        pytest.skip(reason)
    with Reference() as process:
        yield process


@pytest.fixture(scope="module")
def defaults(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Values:
    """What the reference reads in an empty file."""
    path = tmp_path_factory.mktemp("empty") / "client.cfg"
    path.touch()
    found = reference.read(path)
    assert isinstance(found, dict)
    return {**found, **OURS}


def read(path: Path, defaults: Values) -> tuple[Values, list[str]]:
    """Return what we read, in the words of the reference, and our warnings."""
    config = Config.from_configfile(str(path), environ={})
    readers: dict[str, t.Callable[[str], t.Any]] = {
        **dict.fromkeys(TEXTS, config.__getitem__),
        **dict.fromkeys(NAMES, lambda name: config[name].lower()),
        **dict.fromkeys(INTEGERS, config.getint),
        **dict.fromkeys([*SECONDS, *FLOATS], config.getfloat),
        **dict.fromkeys(BOOLEANS, config.getboolean),
        "default_discovery_options": lambda name: config[name].split("\n"),
    }
    found = {
        name: reader(name) if name in config else defaults[name] for name, reader in readers.items()
    }
    found.update(identity=config.identity, collectives=config.collectives, libdirs=config.libdirs)
    plugins = {key: config[key] for key in config if key.startswith("plugin.")}
    found["pluginconf"] = {key.removeprefix("plugin."): plugins[key] for key in plugins}
    return found, config.warnings


def agreed(theirs: Values) -> Values:
    """Return what the reference read, in the form that we must return."""
    found = dict(theirs)
    for name, value in OURS.items():
        found[name] = value if found[name] is None else found[name]
    # We may address the main collective whether it is listed or not, and none without a name.
    names = [name for name in found["collectives"] if name]
    main = found["main_collective"]
    found["collectives"] = names if main in names else [*names, main]
    return found


RANGES = {
    "ttl": range(1, 30 * 24 * 3600),
    "direct_addressing_threshold": range(2**31),
    "default_batch_size": range(2**31),
}
"""What makes sense. The reference takes any number, and then does nothing, or not what was meant."""


def makes_sense(theirs: Values) -> bool:
    return all(theirs[name] in numbers for name, numbers in RANGES.items())


def check(path: Path, reference: Reference, defaults: Values) -> None:
    """Both read the same, or both refuse it, except for numbers out of range."""
    theirs = reference.read(path)
    if isinstance(theirs, dict) and makes_sense(theirs):
        ours, warnings = read(path, defaults)
        assert ours == agreed(theirs)
        # The reference asks for a plugin's options by name, and never sees one that is misspelt.
        assert all("unknown option plugin." in words for words in warnings)
    else:
        with pytest.raises(exc.ImproperlyConfigured):
            read(path, defaults)


@pytest.mark.skipif(not os.access(DEBIAN, os.R_OK), reason=f"{DEBIAN} is not there for us to read")
def test_debians_file(reference: Reference, defaults: Values) -> None:
    assert isinstance(reference.read(DEBIAN), dict)
    check(DEBIAN, reference, defaults)
    assert read(DEBIAN, defaults)[1] == []


def test_the_file_of_puppets_package(
    reference: Reference, defaults: Values, tmp_path: Path
) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(AIO, encoding="utf-8")
    path.chmod(0o600)
    check(path, reference, defaults)
    found, warnings = read(path, defaults)
    assert warnings == []
    assert len(found["libdirs"]) == 3
    assert found["connection_timeout"] == 3
    assert found["pluginconf"]["activemq.pool.1.password"] == "marionette"


@pytest.mark.parametrize("name", ["Ttl", "TTL", "nosuch", "ttl.x", "PLUGIN.psk", "pool.1.host"])
def test_what_the_reference_does_not_know_is_a_warning(
    reference: Reference, defaults: Values, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "client.cfg"
    path.write_text(f"ttl = 7\n{name} = 8\n", encoding="utf-8")
    assert reference.read(path) == f"Unknown config parameter '{name}'"
    found, warnings = read(path, defaults)
    assert found["ttl"] == 7
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{path}:2: unknown option {name}")


blanks = st.sampled_from(["", " ", "  ", "\t", " \t "])
odd = st.sampled_from(
    [
        *("%", "%(x)s", "a b", "a=b", "a = b", "=", "==", '"quoted"', "'x'", "x # no comment", "#"),
        *(
            "Zürich ☃",
            "\u00a0x\u00a0",
            "\u3000",
            "a\rb",
            "a\vb",
            "\\n",
            "${x}",
            "a;b",
            "[x]",
            "\x1c",
        ),
    ]
)
free = odd | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=12
)
words = st.from_regex(r"[A-Za-z_]{1,10}", fullmatch=True)
integers = st.integers(-5, 10**6).map(str) | st.sampled_from(
    [
        "0x1f",
        "017",
        "08",
        "1_000",
        "1__0",
        "+5",
        "1.5",
        "1e3",
        "0b11",
        "0o17",
        "ten",
        "٣",
        "",
        "-0",
        "_1",
        "1_",
    ]
)
seconds = st.integers(0, 10**5).map(str) | st.sampled_from(["1_000", "ten", "-", "٣"])
floats = seconds | st.sampled_from(["0.5", "1e-3", "nan", "inf", "-2.5", "1_0.5", "1e400", "1__0"])
booleans = st.sampled_from(
    [
        "1",
        "0",
        "yes",
        "NO",
        "True",
        "fAlse",
        "y",
        "N",
        "t",
        "F",
        "on",
        "off",
        "",
        "maybe",
        "yes ",
        "2",
    ]
)
plugin_keys = st.sampled_from(
    ["psk", "psk.callertype", "activemq.pool.1.password", "x", "a.b.c", "yaml"]
)
keys = {
    **dict.fromkeys(TEXTS, free),
    **dict.fromkeys(NAMES, words),
    **dict.fromkeys(INTEGERS, integers),
    **dict.fromkeys(SECONDS, seconds),
    **dict.fromkeys(FLOATS, floats),
    **dict.fromkeys(BOOLEANS, booleans),
    "default_discovery_options": free,
    "identity": words | st.sampled_from(["a.b-c", "a b", "ü", "web1.example.com"]),
    "collectives": st.lists(words, max_size=3).map(", ".join) | st.just("a,,b , c"),
    "libdir": st.sampled_from(["/a", "/b:/c", "/a b", "relative", "/x:/a"]),
}


@st.composite
def settings(draw: st.DrawFn) -> tuple[str, str]:
    """A key and a value that it may accept or refuse."""
    if draw(st.integers(0, 2)) == 0:
        return f"plugin.{draw(plugin_keys)}", draw(free)
    key = draw(st.sampled_from(sorted(keys)))
    return key, draw(keys[key])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line of a file, most of them settings."""
    if draw(st.integers(0, 6)) == 0:
        return draw(
            st.sampled_from(["", "# x = y", "  # x", "#", "no value", "ttl", "   ", "= x", "\r"])
        )
    key, value = draw(settings())
    return "".join((draw(blanks), key, draw(blanks), "=", draw(blanks), value, draw(blanks)))


def identified(line: str) -> t.Any:
    """What of a line may be in a file once only: the reference refuses a value that does not do
    also where a later line sets it aright, and we look at the last one."""
    name = line.partition("=")[0].strip()
    return name if name in TYPED else object()


def files(end: str) -> st.SearchStrategy[str]:
    """Files with these ends of lines."""
    return st.lists(lines(), max_size=8, unique_by=identified).map(end.join)


texts = files("\n") | files("\r\n")
names = st.sampled_from(["activemq.cfg", "psk.cfg", "x_1.cfg", "a-b.cfg", "x.txt"])


@hypothesis.settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
)
@hypothesis.given(texts, st.dictionaries(names, texts, max_size=2))
def test_generated_files(
    reference: Reference,
    defaults: Values,
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    plugins: dict[str, str],
) -> None:
    directory = tmp_path_factory.mktemp("config")
    (directory / "plugin.d").mkdir()
    for name, content in {
        "client.cfg": text,
        **{f"plugin.d/{n}": plugins[n] for n in plugins},
    }.items():
        (directory / name).write_bytes(content.encode())
        (directory / name).chmod(0o600)
    check(directory / "client.cfg", reference, defaults)
