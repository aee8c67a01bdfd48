#!/usr/bin/env bash
# Copyright (c) 2026, the pymco.mcollective authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the playbook on an embedded collective, twice: the second time as verbosely as can be, to see that nothing leaks.

set -euo pipefail

collection="${ANSIBLE_COLLECTIONS_PATH%%:*}/ansible_collections/pymco/mcollective"
directory="$(mktemp -d)"

python "${collection}/tests/testbed" embedded --directory "${directory}/collective" > "${directory}/testbed.log" &
testbed=$!
trap 'kill "${testbed}"; wait "${testbed}" || true; rm -rf "${directory}"' EXIT

for _attempt in $(seq 100); do
    grep -q 'Ctrl-C' "${directory}/testbed.log" && break
    sleep 0.1
done

export ANSIBLE_ASYNC_DIR="${directory}/async" ANSIBLE_REMOTE_TMP="${directory}/tmp"
play=(ansible-playbook play.yml -i 'localhost,' -c local
    -e "client_cfg=${directory}/collective/client.cfg" -e "ansible_python_interpreter=$(command -v python)")
"${play[@]}" "$@"
ANSIBLE_INJECT_FACT_VARS=false "${play[@]}" -vvvvv > "${directory}/verbose.log" 2>&1

# No node's text was evaluated (the payload says so when it is), and no secret is shown.
if grep -e 'EVALUATED' -e 'SECRET' -e 'PRIVATE KEY' "${directory}/verbose.log"; then
    exit 1
fi
