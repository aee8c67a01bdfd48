# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Keeps a directory that only its owner can read, and that nobody else can tamper with.

The owner of a file or of its directory can replace the file later. Writing or changing permissions through a
symbolic link reaches any other file. So other owners and links are refused. Everything is opened relative to a
descriptor of the directory and checked by its own descriptor, so nobody can exchange it in between.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import stat
import typing as t

from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.files import (
    kind,
    open_regular,
    read_descriptor,
)
from ansible_collections.pymco.mcollective.plugins.module_utils.pymco.printable import printable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ALL_OF_OTHERS = 0o077
_WRITING_OF_OTHERS = 0o022


class Untrusted(Exception):
    """Somebody else can change a file; the message names both."""


class PrivateDirectory:
    """A context manager, since it holds descriptors. Names of files are relative, with one "/" at most.

    :param path: the directory. Its last part must not be a symbolic link either.
    :param dry: True to change nothing.
    :ivar changed: what was made, replaced or closed to others, or would be; directories end in "/".
    """

    def __init__(self, path: str, *, dry: bool = False) -> None:
        # With "/" or "/." at the end, the system would follow a link.
        self.path = re.sub(r"(?<=.)(?:/\.?)+$", "", path)
        self.dry = dry
        self.changed: list[str] = []
        self._folders: dict[str, int] = {}

    def __enter__(self) -> PrivateDirectory:
        return self

    def __exit__(self, *_exc: object) -> None:
        while self._folders:
            os.close(self._folders.popitem()[1])

    def full(self, name: str) -> str:
        """Return the path of a file, for messages."""
        return os.path.join(self.path, name) if name else self.path

    def note(self, name: str) -> None:
        """Count a file among the changed."""
        if name not in self.changed:
            self.changed.append(name)

    def exists(self, name: str) -> bool:
        """Return True if there is anything of this name.

        :raises Untrusted: others can change its directory.
        """
        folder, file = self._place(name)
        if folder is None:
            return False
        try:
            os.stat(file, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def require(self, name: str = "") -> None:
        """Make the directory, or one in it, unless it is there, and close it to others.

        :raises Untrusted: it is not a directory of ours.
        """
        folder = self._folder(name)
        if folder is None:
            if not name:
                self.note("./")
            if self.dry:
                return
            self._make(name)
            folder = self._folder(name)
        if folder is not None:
            self._close_to(_ALL_OF_OTHERS, folder, f"{name or '.'}/")

    def read(self, name: str, *, secret: bool) -> bytes:
        """Take from others the permission to change a file, and return its content.

        :param secret: True to take the permission to read it, too.
        :raises Untrusted: it is not a regular file of ours.
        """
        folder, file = self._place(name)
        if folder is None:
            raise FileNotFoundError(f"there is no {self.full(name)}")
        self._refuse_others(name, file, folder, stat.S_ISREG)
        descriptor = open_regular(file, dir_fd=folder, follow=False)
        try:
            self._refuse_owner(name, os.fstat(descriptor))
            others = _ALL_OF_OTHERS if secret else _WRITING_OF_OTHERS
            self._close_to(others, descriptor, name)
        except BaseException:
            os.close(descriptor)
            raise
        return read_descriptor(descriptor, self.full(name))

    def write(self, name: str, content: bytes, mode: int) -> None:
        """Put a file in place as a whole, with its mode from the first byte on."""
        self.note(name)
        if self.dry:
            return
        directory = os.path.dirname(name)
        if directory:
            self.require(directory)
        folder, file = self._place(name)
        temporary = f".new-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, _NEW, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(descriptor, mode)
                stream.write(content)
                stream.flush()
                os.fsync(descriptor)
            os.replace(temporary, file, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            os.unlink(temporary, dir_fd=folder)
            raise

    # -- directories ---------------------------------------------------------------------------

    def _place(self, name: str) -> tuple[int | None, str]:
        """Return the descriptor of a file's directory, or None if there is no directory, and the name in it."""
        directory, file = os.path.split(name)
        return self._folder(directory), file

    def _folder(self, name: str) -> int | None:
        """Return the descriptor of the directory, or of one in it; None if there is none."""
        if name in self._folders:
            return self._folders[name]
        above = self._folder("") if name else None
        if name and above is None:
            return None
        place = name or self.path
        try:
            self._refuse_others(name, place, above, stat.S_ISDIR)
            descriptor = os.open(place, _FOLDER, dir_fd=above)
        except FileNotFoundError:
            return None
        try:
            self._refuse_owner(name, os.fstat(descriptor))
        except Untrusted:
            os.close(descriptor)
            raise
        self._folders[name] = descriptor
        return descriptor

    def _make(self, name: str) -> None:
        if name:
            os.mkdir(name, 0o700, dir_fd=self._folder(""))
            return
        above = os.path.dirname(self.path)
        if above:
            os.makedirs(above, exist_ok=True)
        os.mkdir(self.path, 0o700)

    def _close_to(self, others: int, descriptor: int, name: str) -> None:
        """Take from others these of their permissions."""
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & others:
            self.note(name)
            if not self.dry:
                os.fchmod(descriptor, mode & ~others)

    # -- what is refused -----------------------------------------------------------------------

    def _refuse_others(
        self, name: str, place: str, dir_fd: int | None, is_wanted: t.Callable[[int], bool]
    ) -> None:
        """Refuse a link, another kind of file or another owner before it is opened.

        The caller checks the descriptor once more.
        """
        found = os.stat(place, dir_fd=dir_fd, follow_symlinks=False)
        path = self.full(name)
        if stat.S_ISLNK(found.st_mode):
            target = printable(os.readlink(place, dir_fd=dir_fd))
            raise Untrusted(
                f"{path} is a symbolic link to {target}, owned by {_account(found.st_uid)}: writing and changing"
                " permissions would reach another file. Put the real one there"
                + ("" if name else ", or name the directory that it leads to")
            )
        if not is_wanted(found.st_mode):
            wanted = "directory" if is_wanted is stat.S_ISDIR else "regular file"
            is_file = stat.S_ISREG(found.st_mode)
            there = "a regular file" if is_file else kind(found.st_mode)
            owner = _account(found.st_uid)
            raise Untrusted(f"{path} is {there}, owned by {owner}, and not a {wanted}: remove it")
        self._refuse_owner(name, found)

    def _refuse_owner(self, name: str, found: os.stat_result) -> None:
        if found.st_uid != os.geteuid():
            path, us = self.full(name), _account(os.geteuid())
            raise Untrusted(
                f"{path} is owned by {_account(found.st_uid)}, who can read and replace the secrets there, while"
                f" this runs as {us}. Run it as the owner, or remove it; if nobody else can have changed it,"
                f" chown it to {us}"
            )


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
