# Copyright (c) 2026, the pymco.mcollective authors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx builds the site: ``make docs``."""

from __future__ import annotations

project = "pymco.mcollective"
project_copyright = "2026, the pymco.mcollective authors"
html_title = "pymco.mcollective"

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
nitpicky = True
default_role = "any"
highlight_language = "YAML+Jinja"

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_use_index = False
pygments_style = "ansible"
pygments_dark_style = "monokai"
antsibull_ext_color_scheme = "default-autodark"

intersphinx_mapping = {
    "ansible": ("https://docs.ansible.com/projects/ansible/devel/", None),
}
intersphinx_timeout = 10
