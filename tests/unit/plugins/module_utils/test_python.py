# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules say if Python or a library is too old or broken."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

MODULES = pathlib.Path(__file__).parents[4] / "plugins" / "modules"
COLLECTION = "ansible_collections.pymco.mcollective.plugins"


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own, which finds what this one does."""
    path = f"import sys; sys.path[:] = {sys.path!r}\n"
    return subprocess.run(
        [sys.executable, "-c", path + program], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("module", sorted(path.stem for path in MODULES.glob("mcollective_*.py")))
def test_a_python_that_is_too_old(module: str) -> None:
    """Ansible shows the last line. It must be our message, and not a syntax error of that Python."""
    done = run(f"sys.version_info = (3, 8, 18, 'final', 0)\nimport {COLLECTION}.modules.{module}\n")
    assert done.stderr.splitlines()[-1] == (
        f"RuntimeError: pymco.mcollective needs Python 3.9 or newer, and {sys.executable} is Python 3.8.18."
        " Use another interpreter; Ansible is told of it by ansible_python_interpreter"
    )


# cryptography 3.4.0 has a circle: this part of it cannot be the first that is imported.
CIRCLE = """
import importlib.abc
PART = "cryptography.hazmat.primitives.asymmetric.padding"
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == PART and "cryptography.x509" not in sys.modules:
            raise ImportError("cannot import name 'AsymmetricPadding' from partially initialized module")
sys.meta_path.insert(0, Finder())
"""
SSL = f"""
from {COLLECTION}.module_utils.pymco import exc
from {COLLECTION}.module_utils.pymco.config import Config
from {COLLECTION}.module_utils.pymco.security import ssl
"""


def test_the_circle_in_cryptography_3_4_0() -> None:
    done = run(f"{CIRCLE}{SSL}print(ssl.padding.__name__, ssl.HAS_CRYPTOGRAPHY)")
    assert done.stdout == "cryptography.hazmat.primitives.asymmetric.padding True\n", done.stderr


def test_a_cryptography_of_which_a_part_cannot_be_imported() -> None:
    broken = CIRCLE.replace(' and "cryptography.x509" not in sys.modules', "")
    done = run(
        f"{broken}{SSL}"
        "try:\n    ssl.SslProvider(Config({'identity': 'me'}))\n"
        "except exc.MissingDependency as error:\n    print(error)\n"
    )
    words = "the Python library cryptography is needed for securityprovider = ssl; install it\n"
    assert done.stdout == words, done.stderr


@pytest.mark.parametrize("error", ["ImportError", "AttributeError"])
def test_a_stomp_py_that_is_missing_or_broken(error: str) -> None:
    """As 8.0 is with a pyOpenSSL that is older than its cryptography expects."""
    finder = CIRCLE.replace(
        'name == PART and "cryptography.x509" not in sys.modules', 'name == "stomp"'
    ).replace("raise ImportError", f"raise {error}")
    done = run(
        f"{finder}from {COLLECTION}.module_utils.pymco.wire import library\nprint(library.HAS_STOMP)"
    )
    assert done.stdout == "False\n", done.stderr
