"""Words that do not belong in the repository: they are true on one machine or for one week only."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Each pattern is written so that it does not match its own text.
BANNED = {
    "a path of one machine": r"(?<![\w.~-])/(?:wor[k]|roo[t]|hom[e]|User[s])/|/tmp/brie[f]",
    "the host of a package registry": (
        r"pypi[.]org|pythonhosted[.]org|npmjs[.](?:com|org)|crates[.]io|conda[.]anaconda"
        r"|(?:deb|ftp|security)[.]debian[.]org|archive[.]ubuntu[.]com|proxy[.]golang"
    ),
    "an index address": r"--(?:extra-)?index-ur[l] *[=\s]*https?:",
    "who was asked to do what": r"(?i:\bissues? *#?\d)|DEVELOPERS[.]md|s[h]ared/design",
    "work left for later": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
}


def tracked() -> list[Path]:
    """Text files that git tracks or would track, and that we wrote."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    paths = [ROOT / name for name in names if name and "/vendor/" not in name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def lines_with(pattern: str) -> list[str]:
    """Every line of the repository that matches, as `file:line: text`."""
    banned = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in tracked()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if banned.search(line)
    ]


@pytest.mark.parametrize("what", BANNED)
def test_the_repository_does_not_mention(what: str) -> None:
    assert lines_with(BANNED[what]) == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of one machine", "see /" + "work/main"),
        ("a path of one machine", "open('/" + "home/someone/x')"),
        ("the host of a package registry", "https://py" + "pi.org/simple"),
        ("an index address", "--index-" + "url https://example.org"),
        ("who was asked to do what", f"as {'issue'} 2 says"),
        ("work left for later", "# TO" + "DO: later"),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, text: str) -> None:
    assert re.search(BANNED[what], text)
