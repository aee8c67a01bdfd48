# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module around the keyring."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.pymco.mcollective.plugins.module_utils._task import keys
from ansible_collections.pymco.mcollective.plugins.modules import mcollective_keys


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module with these options; its result."""

    def running(**options: t.Any) -> dict[str, t.Any]:
        with patch_module_args(options), pytest.raises(SystemExit):
            mcollective_keys.main()
        result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
        return result

    return running


def test_it_tells_files_and_no_secrets(
    run: t.Callable[..., dict[str, t.Any]], tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "keys"
    certificates = [{"name": "broker", "dns": ["localhost"]}]
    options = {"path": str(path), "clients": ["alice"], "passwords": ["alice"]}
    result = run(**options, certificates=certificates)
    assert result["changed"]
    assert "clients/alice.pem" in result["files"]
    assert result["diff"]["after"].split() == result["files"]
    text = json.dumps(result)
    assert "PRIVATE" not in text
    for name in ("psk", "passwords/alice"):
        assert (path / name).read_text().strip() not in text
    again = run(**options, certificates=certificates)
    assert (again["changed"], again["files"]) == (False, [])


def test_check_mode(run: t.Callable[..., dict[str, t.Any]], tmp_path: pathlib.Path) -> None:
    result = run(path=str(tmp_path / "keys"), _ansible_check_mode=True)
    assert result["changed"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options,words",
    [
        ({"key_size": 1024}, "key_size must be from 2048 to 16384, not 1024"),
        ({"key_size": 10**6}, "key_size must be from 2048 to 16384, not 1000000"),
        ({"authority_days": 10**7}, "authority_days must be from 1 to 36500, not 10000000"),
        ({"certificate_days": 10**7}, "certificate_days must be from 1 to 36500, not 10000000"),
        ({"renew_days": -1}, "renew_days must be from 0 to 36500, not -1"),
        ({"certificate_days": 30}, "certificate_days (30) must be more than renew_days (30)"),
        ({"authority_days": 7}, "authority_days (7) must be more than renew_days (30)"),
        ({"clients": ["../x"]}, "'../x' cannot be the name of a client"),
    ],
)
def test_what_cannot_be(
    run: t.Callable[..., dict[str, t.Any]],
    tmp_path: pathlib.Path,
    options: dict[str, t.Any],
    words: str,
) -> None:
    result = run(path=str(tmp_path / "keys"), **options)
    assert result["failed"]
    assert words in result["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_value_of_the_wrong_type_is_not_told(
    run: t.Callable[..., dict[str, t.Any]], tmp_path: pathlib.Path
) -> None:
    """A user may set psk to the key itself. The log must not show it."""
    result = run(path=str(tmp_path / "keys"), psk="c0ffee")
    assert result["failed"]
    assert "argument 'psk' is of type str and we were unable to convert to bool" in result["msg"]
    assert "c0ffee" not in json.dumps(result)


def test_a_place_that_is_no_directory(
    run: t.Callable[..., dict[str, t.Any]], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "file").write_text("")
    result = run(path=str(tmp_path / "file" / "keys"))
    assert result["failed"]
    assert f"cannot keep keys in {tmp_path / 'file' / 'keys'}" in result["msg"]


def test_a_missing_library(
    run: t.Callable[..., dict[str, t.Any]], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MISSING", "Traceback")
    result = run(path=str(tmp_path / "keys"))
    assert result["failed"]
    assert "cryptography" in result["msg"]
