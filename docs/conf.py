"""Settings of Sphinx."""

import os
import tempfile

import qiskit_haiqu_provider

# Nothing that is imported here may write into the user's job store.
os.environ.setdefault("HAIQU_HOME", tempfile.mkdtemp(prefix="haiqu-docs-"))

project = "Qiskit Haiqu Provider"
author = "The qiskit-haiqu-provider developers"
project_copyright = author
release = qiskit_haiqu_provider.__version__
version = release
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "qiskit-ecosystem"
html_title = f"{project} {release}"
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# Notebooks are kept without outputs, and run when the pages are made.
nb_execution_mode = "force"
nb_execution_timeout = 600
nb_execution_raise_on_error = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
