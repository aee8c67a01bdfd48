# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives inputs to one target for a while, in this process, and reports what went wrong.

The bounds of one input:

- :data:`CPU_SECONDS` and :data:`CPU_PER_BYTE` of processor time, by a timer of the kernel;
- :data:`MEMORY` bytes, and what serializers/base.py states for each value and byte, by a limit of the
  kernel on the process's data: whoever wants more gets a MemoryError, which is a failure;
- a minute without any progress, which the supervisor sees.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import gc
import json
import random
import signal
import threading
import time
import traceback
import types
import typing as t

from .journal import LARGEST, Journal
from .target import Target, target_named

try:
    import resource
except ImportError:  # not on this system; nothing is bounded then
    resource = None  # type: ignore[assignment]

if t.TYPE_CHECKING:
    from pathlib import Path

CPU_SECONDS = 1.0
CPU_PER_BYTE = 4e-6
MEMORY = 8 * 2**20
"""Bytes for an input of no size: what the allocators take at once, and a thread's stack."""
KEPT = 400
"""Inputs that did something new, beside the seeds."""
LEAK = 64 * 2**20
"""Bytes that the process may have grown when all is over."""
DIFFERENT = 5
"""Failures of different kinds after which a target has been heard enough."""


class TooSlow(BaseException):
    """This is not an Exception, so that the code under test does not catch it."""


class Failure(t.NamedTuple):
    """What was wrong with an input. Two failures of the same kind are the same fault."""

    kind: str
    text: str


def work(name: str, seed: int, seconds: float, journal_path: Path) -> int:
    """Fuzz, and print what happened as lines of JSON. Returns the exit code."""
    target = target_named(name)
    threading.stack_size(512 * 1024)
    signal.signal(signal.SIGPROF, _too_slow)
    with Journal(journal_path) as journal:
        chance = random.Random(f"{name} {seed}")
        _Fuzzer(target, chance, journal).run(seconds)
    return 0


def _too_slow(_signal: int, _frame: types.FrameType | None) -> None:
    raise TooSlow


class _Fuzzer:
    def __init__(self, target: Target, chance: random.Random, journal: Journal) -> None:
        self.target, self.chance, self.journal = target, chance, journal
        self.corpus = list(target.seeds())
        self.seen: set[int] = set()
        self.failures: set[str] = set()
        self.inputs = 0
        self.outcomes = {"accepted": 0, "refused": 0}

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for payload in tuple(self.corpus):
            self.try_one(payload)
        before = _settled_size()
        while time.monotonic() < end and len(self.failures) < DIFFERENT:
            self.try_one(self.target.change(self.chance, self.corpus)[:LARGEST])
        grown = _settled_size() - before
        if grown > LEAK:
            self.tell(Failure("leak", f"the process has grown by {grown} bytes"), b"")
        _say(inputs=self.inputs, kinds=len(self.seen), **self.outcomes)

    def try_one(self, payload: bytes) -> None:
        self.journal.write(payload)
        self.inputs += 1
        outcome = examine(self.target, payload)
        if isinstance(outcome, Failure):
            self.tell(outcome, payload)
            return
        self.outcomes["accepted" if outcome.startswith("accepted") else "refused"] += 1
        if hash(outcome) not in self.seen:
            self.seen.add(hash(outcome))
            self.keep(payload)

    def keep(self, payload: bytes) -> None:
        """Keep an input that did something new, and build on it. It may lead to something rare."""
        if len(payload) <= 4096:
            if len(self.corpus) >= KEPT:
                self.corpus.pop(self.chance.randrange(len(self.corpus)))
            self.corpus.append(payload)

    def tell(self, failure: Failure, payload: bytes) -> None:
        if failure.kind not in self.failures:
            self.failures.add(failure.kind)
            encoded = base64.b64encode(payload).decode()
            _say(failure=failure.kind, text=failure.text, input=encoded)


def examine(target: Target, payload: bytes) -> str | Failure:
    """Give a target one input within its bounds. Returns its outcome in words that are the same for inputs
    of the same kind."""
    seconds = CPU_SECONDS + CPU_PER_BYTE * len(payload)
    memory = MEMORY + target.memory(len(payload))
    try:
        with _bounded(seconds, memory):
            return target.run(payload)
    except TooSlow:
        where = f"it takes more than {seconds:.1f} s of processor time"
        return Failure("slow", where)
    except MemoryError:
        return Failure("memory", f"it takes more than {memory} bytes")
    except Exception as error:
        return Failure(_kind(error), traceback.format_exc())


def _kind(error: Exception) -> str:
    """An exception's type and the place that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.filename.rpartition('/')[2]}:{last.lineno}"


@contextlib.contextmanager
def _bounded(seconds: float, memory: int) -> t.Iterator[None]:
    """Limit the processor time and the memory inside."""
    size = _data_size()
    if size:
        resource.setrlimit(resource.RLIMIT_DATA, (size + memory, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if size:
            resource.setrlimit(
                resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )


def _data_size() -> int:
    """Return the bytes of private data of this process, or 0 if the system does not tell."""
    return _statm(5)


def _statm(field: int) -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[field]) * resource.getpagesize()
    except (AttributeError, OSError):
        return 0


def _settled_size() -> int:
    """Return the bytes that this process really uses, after it has given back free memory."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    return _statm(1)


def _say(**what: object) -> None:
    print(json.dumps(what), flush=True)
