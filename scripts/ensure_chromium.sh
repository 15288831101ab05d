#!/usr/bin/env bash
# Print the path of a Chromium, installing Debian's where there is none and we may.
#
# The tests of the pages drive a real browser. It is looked for in $CHROMIUM, then on the PATH.
set -euo pipefail

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && command -v "$name"; then
      return 0
    fi
  done
  return 1
}

if [ -n "${CHROMIUM:-}" ] && ! command -v "$CHROMIUM" >/dev/null; then
  echo "CHROMIUM is '$CHROMIUM', which is not a program." >&2
  exit 1
fi
if find_chromium; then
  exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "No Chromium here: installing the distribution's." >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install -y -qq --no-install-recommends chromium >&2
  if find_chromium; then
    exit 0
  fi
fi
echo "The tests of the pages need Chromium or Chrome. Install one, for example" >&2
echo "  sudo apt-get install chromium" >&2
echo "or name it: CHROMIUM=/path/to/chrome make test" >&2
exit 1
