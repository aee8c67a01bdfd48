# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Reads files that somebody names.

A name may lead anywhere. A fifo would hold us for ever, a device would fill the memory, and an error that
quotes the content would print a line of any file. So only regular files are read, up to a bound, and no
error quotes them.
"""

from __future__ import annotations

import errno
import os
import stat

from . import exc, options

MAX_SIZE = 2**20
"""Bytes (1 MiB) that a file may have: configuration, key, certificate or DDL."""
MAX_LIST_SIZE = 2**24
"""Bytes (16 MiB) that a file with many entries may have: identities, or the certificates of authorities."""

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


def kind(mode: int) -> str:
    """Return in words what a file with this ``st_mode`` is, which is no regular file."""
    return _KINDS.get(stat.S_IFMT(mode), "something else")


def open_regular(
    path: str, *, most: int = MAX_SIZE, dir_fd: int | None = None, follow: bool = True
) -> int:
    """Open a regular file for reading without waiting for it. Returns the descriptor.

    :param most: bytes that it may have.
    :param dir_fd: the directory that a relative path begins in.
    :param follow: True: the last part of the path may be a symbolic link.
    :raises OSError: it cannot be opened, is no regular file or is larger; ``strerror`` tells which.
    """
    # Opening alone has an effect on some devices, so look at the path before.
    _refuse(os.stat(path, dir_fd=dir_fd, follow_symlinks=follow), path, most)
    descriptor = os.open(path, _READING | (0 if follow else os.O_NOFOLLOW), dir_fd=dir_fd)
    try:
        _refuse(os.fstat(descriptor), path, most)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_descriptor(descriptor: int, path: str, most: int = MAX_SIZE) -> bytes:
    """Return all that is left in an open file, and close the file.

    :param path: the file's name, for the error.
    :raises OSError: the file cannot be read, or has more than ``most`` bytes.
    """
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(path, most)
    return content


def read_bytes(path: str, most: int = MAX_SIZE) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes.

    :raises OSError: it cannot be read, is no regular file or is larger; ``strerror`` tells which.
    :raises ValueError: the path has a NUL in it.
    """
    return read_descriptor(open_regular(path, most=most), path, most)


def read_text(path: str, what: str, most: int = MAX_SIZE) -> str:
    """Return the content of a text file, its line ends as they are.

    :param what: what the file is, for the message.
    :raises exc.ImproperlyConfigured: the file cannot be read, or is not in UTF-8. What can be no path is
        not shown: it may be what should be in the file.
    """
    name = ""
    try:
        name = f" {options.path(path)}"
        return read_bytes(path, most).decode("utf-8")
    except (OSError, ValueError) as error:
        raise exc.ImproperlyConfigured(f"cannot read {what}{name}: {why(error)}") from None


def check(path: str, most: int = MAX_SIZE) -> None:
    """Refuse a file before another library, such as OpenSSL, reads it. Raises as :func:`read_bytes` does."""
    os.close(open_regular(path, most=most))


def why(error: OSError | ValueError) -> str:
    """Return in words why a file could not be read, without its name and its content."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not in UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "there can be no file of this name" if isinstance(error, ValueError) else str(error)


def _refuse(found: os.stat_result, path: str, most: int) -> None:
    """Raise OSError if a file is no regular one, or is larger than that."""
    if not stat.S_ISREG(found.st_mode):
        words = f"it is {kind(found.st_mode)}, and only regular files are read"
        raise OSError(errno.EINVAL, words, path)
    if found.st_size > most:
        raise _too_large(path, most)


def _too_large(path: str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"it has more than {most} bytes", path)
