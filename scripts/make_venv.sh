#!/usr/bin/env bash
# Make a virtual environment that holds the installers: make_venv.sh VENV PYTHON
set -euo pipefail
venv=$1
python=$2

if ! command -v "$python" >/dev/null; then
  echo "There is no '$python' here. Install Python 3.11 or newer, or say PYTHON=/path/to/python3." >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "novate needs Python 3.11 or newer; $python is $("$python" -V 2>&1)." >&2
  echo "Say which one to use: make PYTHON=python3.12 ..." >&2
  exit 1
fi

# An environment that another tool made may lack pip: making it again adds pip, removes nothing.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  echo "Making a virtual environment in $venv"
  if ! "$python" -m venv "$venv"; then
    echo >&2
    echo "'$python -m venv' failed. Debian and Ubuntu keep a part of it in a package of its own:" >&2
    echo "  apt-get install python3-venv" >&2
    exit 1
  fi
fi

echo "Installing requirements-setup.lock into $venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
  -r requirements-setup.lock
