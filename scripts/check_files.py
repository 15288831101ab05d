"""Check the form of every file: it ends in one newline, is not large, and its data parses.

Without arguments it looks at what git would commit; `--list` prints the text files among those
that are ours (vendored ones are left alone), for programs that take a list of files.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

BYTES_MAX = 1_000_000
VENDOR = "vendor"


def committed() -> list[Path]:
    """Return the files that git tracks or would track."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return sorted(path for name in names if name and (path := Path(name)).is_file())


def problems(path: Path) -> list[str]:
    """Return what is wrong with one file, in words."""
    content = path.read_bytes()
    found = []
    if len(content) > BYTES_MAX:
        found.append(f"has {len(content)} bytes; at most {BYTES_MAX} are allowed")
    if b"\0" in content or VENDOR in path.parts or not content:
        return found
    if not content.endswith(b"\n") or content.endswith(b"\n\n"):
        found.append("does not end in exactly one newline")
    if b"\r\n" in content:
        found.append("has lines that end in CR LF")
    try:
        if path.suffix == ".toml":
            tomllib.loads(content.decode())
        elif path.suffix == ".json":
            json.loads(content)
    except ValueError as error:
        found.append(f"does not parse: {error}")
    return found


def is_text(path: Path) -> bool:
    """Return whether a file is text that we wrote."""
    return VENDOR not in path.parts and b"\0" not in path.read_bytes()


def main(arguments: list[str]) -> int:
    """Run the check; the result is the exit status."""
    if arguments == ["--list"]:
        print("\n".join(str(path) for path in committed() if is_text(path)))
        return 0
    paths = [Path(name) for name in arguments] or committed()
    wrong = [f"{path}: {problem}" for path in paths for problem in problems(path)]
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
