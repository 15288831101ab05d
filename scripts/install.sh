#!/usr/bin/env bash
# Install a lock file and novate itself, editable, into a virtual environment: install.sh VENV LOCK
#
# uv does it in seconds; where uv cannot (it reads no pip configuration, so it may not know the
# index of this machine), pip does the same from the same hashes.
set -euo pipefail
venv=$1
lock=$2
python=$venv/bin/python

with_uv() {
  "$venv/bin/uv" pip install --quiet --python "$python" --require-hashes -r "$lock" &&
    "$venv/bin/uv" pip install --quiet --python "$python" --no-deps --no-build-isolation -e .
}

with_pip() {
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" &&
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps \
      --no-build-isolation -e .
}

echo "Installing $lock into $venv"
if ! with_uv; then
  echo "uv could not install $lock; trying pip, which takes longer." >&2
  with_pip
fi
