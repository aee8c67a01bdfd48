# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source for rulebooks, without nodes: its options, its threads, and texts that could be templates."""

from __future__ import annotations

import asyncio
import runpy
import time
import typing as t
from pathlib import Path

import pytest
from test_eda import LIMIT, SOURCE, Event

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco import exc

WRONG: dict[str, Event] = {
    "unknown options: brokers": {"brokers": []},
    "listen must be": {"listen": "all"},
    "listen: replies needs reply_to": {"listen": "replies"},
    "nothing else takes it": {"reply_to": "/queue/x"},
    "max_bytes must be": {"max_bytes": "many"},
    "config must be a dict": {"config": "a = b"},
    "config_file must be a text": {"config_file": 5},
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_options_are_refused(words: str) -> None:
    with pytest.raises(ValueError, match=words):
        asyncio.run(runpy.run_path(str(SOURCE))["main"](asyncio.Queue(), WRONG[words]))


def test_a_null_is_no_value(tmp_path: Path) -> None:
    """A variable without a value must not become the key "None", with which everybody could sign events."""
    source = runpy.run_path(str(SOURCE))
    file = tmp_path / "client.cfg"
    file.write_text(
        "identity = me\nconnector = stomp\nplugin.stomp.host = h\nplugin.psk = secret\n"
    )

    def subscribed(**config: t.Any) -> t.Any:
        options = source["Options"].of({"config_file": str(file), "config": config})
        return source["subscribe"](options)

    assert subscribed(**{"plugin.psk": None})._security._key == b"secret"
    with pytest.raises(exc.ImproperlyConfigured, match="plugin.psk must be a single value"):
        subscribed(**{"plugin.psk": ["secret"]})


def test_what_is_wrong_with_the_configuration_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = runpy.run_path(str(SOURCE))
    file = tmp_path / "client.cfg"
    file.write_text("connector = stomp\nplugin.stomp.host = h\nplugin.psk = secret\n")
    file.chmod(0o644)
    source["subscribe"](source["Options"](config_file=str(file), config={"idenity": "me"}))
    assert "everybody on this machine can read the secrets" in caplog.text
    assert "idenity" in caplog.text


def test_many_sources_leave_the_program_its_threads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio has 32 threads at most, by default, and looks up the addresses of hosts in one of them."""
    file = tmp_path / "client.cfg"
    file.write_text(
        "connector = stomp\nplugin.stomp.host = 127.0.0.1\nplugin.stomp.port = 1\nplugin.psk = secret\n"
    )
    main = runpy.run_path(str(SOURCE))["main"]

    async def run() -> None:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        sources = [
            asyncio.create_task(main(queue, {"config_file": str(file)})) for _source in range(40)
        ]
        end = time.monotonic() + LIMIT
        while len({record.thread for record in caplog.records}) < len(sources):
            assert time.monotonic() < end
            assert not any(source.done() for source in sources)
            await asyncio.sleep(0.05)
        await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("127.0.0.1", 1), LIMIT)
        for source in sources:
            source.cancel()
        await asyncio.gather(*sources, return_exceptions=True)

    file.chmod(0o600)
    asyncio.run(run())


TEMPLATES = [
    "{{ 6 * 7 }}",
    "{% if x %}",
    "{# x #}",
    "{{{ x }}}",
    "#jinja2: variable_start_string:'['",
    "{{",
]


@pytest.mark.parametrize("text", TEMPLATES)
def test_no_text_of_an_event_can_be_a_template(text: str) -> None:
    from ansible._internal._templating._jinja_bits import is_possibly_template
    from ansible.template import is_trusted_as_template, trust_as_template  # noqa: F401

    inert = runpy.run_path(str(SOURCE))["inert"]
    assert is_possibly_template(text)
    (found,) = inert([{text: [text]}])
    for part in (*found, *found.values()):
        for word in [part] if isinstance(part, str) else part:
            assert not is_possibly_template(word)
    assert inert({"a": ["plain { }", 1, None]}) == {"a": ["plain { }", 1, None]}


def test_keys_that_become_the_same_are_all_kept() -> None:
    inert = runpy.run_path(str(SOURCE))["inert"]
    data = {"{{a": 1, "{ {a": 2, "{ {a (2)": 3, "b": 4}
    assert inert(data) == {"{ {a": 1, "{ {a (3)": 2, "{ {a (2)": 3, "b": 4}
