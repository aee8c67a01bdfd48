# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""A client for MCollective, in pure Python.

It knows nothing of Ansible, prints nothing and keeps no global state. Start at :mod:`.rpc`.
"""

from __future__ import annotations

import sys

# Here, since this runs before anything that an older Python does not understand.
if sys.version_info < (3, 9):  # noqa: UP036 (it is for those who have an older one all the same)
    raise RuntimeError(
        "pymco.mcollective needs Python 3.9 or newer, and {} is Python {}.{}.{}. Use another interpreter; Ansible is told of"
        " it by ansible_python_interpreter".format(sys.executable, *sys.version_info[:3])
    )
