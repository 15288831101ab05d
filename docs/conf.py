"""How Sphinx builds the pages: `make docs`, where a warning is an error."""

from __future__ import annotations

import os

# Kernels are documented as the Python functions that they are compiled from.
os.environ["NUMBA_DISABLE_JIT"] = "1"

project = "novate"
author = "The novate authors"
project_copyright = "2026, The novate authors"

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build"]
# A shape such as "(symbols,)" in a docstring is not a reference to every column of that name.
suppress_warnings = ["ref.python"]

# One page per package, written anew by each build from what is in src/.
apidoc_modules = [
    {
        "path": "../src/novate",
        "destination": "_reference",
        "max_depth": 2,
        "module_first": True,
    },
]
# What a package re-exports is described where it is written.
autodoc_default_options = {
    "ignore-module-all": True,
    "members": True,
    "show-inheritance": True,
}
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_attr_annotations = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "novate"
