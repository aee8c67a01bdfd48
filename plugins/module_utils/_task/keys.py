# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""mcollective_keys: a directory with all secrets of a collective. It needs no broker."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils._certificates import MISSING
from ansible_collections.pymco.mcollective.plugins.module_utils._keyring import (
    CertificateOptions,
    Keyring,
    KeyringError,
    Options,
    TokenOptions,
)

from .base import Params, Returned, Task, TaskFailed
from .options import Spec

_RANGES = {
    # A larger key takes minutes to make, and every signature with it takes longer too.
    "key_size": (2048, 16384),
    # A certificate cannot have a year of more than four digits.
    "authority_days": (1, 36500),
    "certificate_days": (1, 36500),
    "token_days": (1, 36500),
    "renew_days": (0, 36500),
}


class KeysTask(Task):
    """Makes what is missing. In check mode it only says what is missing."""

    options: t.ClassVar[Spec] = {
        "path": {"type": "path", "required": True},
        "clients": {"type": "list", "elements": "str", "default": []},
        "passwords": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "psk": {"type": "bool", "default": True, "no_log": False},
        "certificates": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "dns": {"type": "list", "elements": "str", "default": []},
                "addresses": {"type": "list", "elements": "str", "default": []},
                "java": {"type": "bool", "default": False},
            },
        },
        "tokens": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "no_log": False,
            "options": {
                "name": {"type": "str", "required": True},
                "kind": {"type": "str", "required": True, "choices": ["client", "node"]},
                "collectives": {"type": "list", "elements": "str", "default": ["mcollective"]},
            },
        },
        "organization": {"type": "str", "default": "choria"},
        "token_days": {"type": "int", "default": 365, "no_log": False},
        "authority_name": {"type": "str", "default": "MCollective CA"},
        "authority_days": {"type": "int", "default": 3650},
        "certificate_days": {"type": "int", "default": 825},
        "renew_days": {"type": "int", "default": 30},
        "key_size": {"type": "int", "default": 2048, "no_log": False},
    }

    def _run(self, check_mode: bool) -> Returned:
        if MISSING:
            result = {"exception": MISSING}
            raise TaskFailed("cryptography is missing", result, missing="cryptography")
        _refuse_bad_numbers(self.params)
        keyring = Keyring(self.params["path"], dry=check_mode)
        try:
            keyring.ensure(_wanted(self.params))
        except KeyringError as error:
            raise TaskFailed(str(error)) from error
        except OSError as error:
            raise TaskFailed(f"cannot keep keys in {self.params['path']}: {error}") from error
        files = sorted(keyring.changed)
        diff = {"before": "", "after": "".join(f"{file}\n" for file in files)}
        return {"changed": bool(files), "files": files, "diff": diff}


def _refuse_bad_numbers(params: Params) -> None:
    for name, (least, most) in _RANGES.items():
        if not least <= params[name] <= most:
            raise TaskFailed(f"{name} must be from {least} to {most}, not {params[name]}")
    tokens = ("token_days",) if params["tokens"] else ()
    for name in ("authority_days", "certificate_days", *tokens):
        if params[name] <= params["renew_days"]:
            raise TaskFailed(
                f"{name} ({params[name]}) must be more than renew_days ({params['renew_days']}): "
                f"a new {'token' if name == 'token_days' else 'certificate'} would be renewed at once"
            )


def _wanted(params: Params) -> Options:
    given = {field.name: params[field.name] for field in dataclasses.fields(Options)}
    wanted = [CertificateOptions(**entry) for entry in params["certificates"]]
    made = [TokenOptions(**entry) for entry in params["tokens"]]
    return Options(**{**given, "certificates": wanted, "tokens": made})
