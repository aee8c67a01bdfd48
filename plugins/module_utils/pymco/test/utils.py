# Copyright (c) 2026, the pymco.mcollective authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt)
# SPDX-License-Identifier: BSD-2-Clause

"""Writes a configuration file for tests."""

from __future__ import annotations

import typing as t

from .. import exc
from . import ctxt as _ctxt

TEMPLATES = {"server.cfg.jinja": """\
{% for key in config | sort if config[key] is not none %}
{% set value = config[key] %}
{% if key == "topicprefix" %}
topicprefix = /{{ value }}/
{% elif value is string or value is not iterable %}
{{ key }} = {{ value }}
{% else %}
{{ key }} = {{ value | join(",") }}
{% endif %}
{% endfor %}
"""}
"""The templates of this package. They are no files, since Ansible ships only Python."""


def get_template(name: str, package: str | None = __package__) -> t.Any:
    """Return a template of Jinja.

    :param package: in whose directory ``templates`` it lies; default: one of :data:`TEMPLATES`.
    :raises exc.MissingDependency: the library is missing.
    :raises jinja2.TemplateNotFound: there is no such template.
    """
    try:
        import jinja2
    except ImportError as error:
        raise exc.MissingDependency("Jinja2", "templates of configuration files") from error
    loader: jinja2.BaseLoader = jinja2.DictLoader(TEMPLATES)
    if package not in (None, __package__):
        loader = jinja2.PackageLoader(package)
    environment = jinja2.Environment(loader=loader, trim_blocks=True)
    return environment.get_template(name)


def configfile(ctxt: t.Mapping[str, t.Any] | None = None) -> str:
    """Write a configuration file. Returns its path, :data:`.ctxt.TEST_CFG`.

    :param ctxt: the options; default: :data:`.ctxt.DEFAULT_CTXT`. A list becomes a text with commas, and
        what is None is left out.
    :raises exc.MissingDependency: Jinja2 is missing.
    """
    template = get_template("server.cfg.jinja")
    with open(_ctxt.TEST_CFG, "w", encoding="utf-8") as file:
        file.write(template.render(config=ctxt or _ctxt.DEFAULT_CTXT))
    return _ctxt.TEST_CFG
