"""Every rule of the rulebook has a number of its own and is named by what holds it."""

from __future__ import annotations

import re

import pytest

from tests.reference import writer

PROGRAM = writer()
CHAPTERS: dict[str, list[str]] = PROGRAM.chapters()
RULES = [rule for rules in CHAPTERS.values() for rule in rules]
HOLDERS = PROGRAM.holders()
TEXT = (PROGRAM.DOCS / "rulebook.md").read_text(encoding="utf-8")


def test_rules_are_numbered_in_ascending_order_in_their_chapters() -> None:
    for chapter, rules in CHAPTERS.items():
        numbers = [tuple(int(part) for part in rule.split(".")) for rule in rules]
        assert numbers == sorted(set(numbers)), chapter
        assert {major for major, _ in numbers} == {int(chapter.split()[0])}, chapter
    assert len(set(RULES)) == len(RULES)


def test_a_chapter_holds_rules_of_one_line_and_nothing_else() -> None:
    chapters = TEXT[TEXT.index("## 1 ") :].splitlines()
    allowed = re.compile(r"$|## \d+ |\| |\|---|- \*\*R \d+\.\d+\*\* [A-Z`*]")

    assert [line for line in chapters if not allowed.match(line)] == []


def test_a_rule_that_another_one_refers_to_exists() -> None:
    named = re.findall(r"(?<![\d.])(\d{1,2}\.\d{1,2})(?![\d.])", TEXT)

    assert set(named) - set(RULES) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_named_by_what_holds_it(rule: str) -> None:
    assert any(rule in holder.rules for holder in HOLDERS)


def test_what_names_rules_names_each_once_in_order_and_only_rules_that_exist() -> None:
    wrong = [
        f"{holder.file}::{holder.name} {holder.rules}"
        for holder in HOLDERS
        if list(holder.rules) != [rule for rule in RULES if rule in holder.rules]
    ]

    assert wrong == []


def test_only_tests_and_the_second_model_name_rules() -> None:
    others = [
        holder
        for holder in HOLDERS
        if not holder.is_test and not holder.file.startswith(PROGRAM.SECOND_MODEL)
    ]

    assert others == []
