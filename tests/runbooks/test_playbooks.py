"""Playbooks: the shipped ones can be followed to the letter, and a faulty one is refused by file and line."""

from datetime import timedelta
from pathlib import Path

import pytest

from runbooks import playbook_lint, playbooks
from runbooks.drills import catalogue
from runbooks.playbooks import PlaybookInvalid

GOOD = """---
id: p3-test
title: A test
severity: P3
clocks:
  acknowledge: 15 min
---

Words.

## Immediate actions

1. Look at it.
   - Command: `manage.py audit verify`

## Investigation

1. Think.
   - Decide: Whether
     it is so.

## Resolution

1. Freeze.
   - Button: freeze
"""


def test_the_shipped_ones_have_their_times() -> None:
    minutes = {
        one.id: {name: time / timedelta(minutes=1) for name, time in one.clocks.items()}
        for one in playbooks.everything().values()
    }
    assert minutes == {
        "p1-cross-tenant-leak": {"acknowledge": 15, "contain": 60, "review": 48 * 60},
        "p2-billing-inconsistency": {"acknowledge": 60, "resolve": 240},
        "p3-provisioning-failures": {"acknowledge": 120, "resolve": 480},
        "p4-signup-abuse": {"acknowledge": 240},
    }


@pytest.mark.parametrize("name", playbooks.everything())
def test_every_command_button_and_alert_of_a_shipped_one_is_there(name: str) -> None:
    assert list(map(str, playbook_lint.faults(playbooks.named(name)))) == []


def test_a_decision_that_begins_with_code_is_shown_as_it_was_written(tmp_path: Path) -> None:
    text = GOOD.replace("Whether\n     it is so.", "`full` or\n     `empty`.")
    assert "`full` or `empty`." in [step.decision for step in playbooks.read(written(tmp_path, text)).steps]


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "p3-test.md"
    file.write_text(text)
    return file


def test_a_step_has_its_command_its_button_or_its_decision(tmp_path: Path) -> None:
    looks, thinks, freezes = playbooks.read(written(tmp_path, GOOD)).steps
    assert (looks.text, looks.commands) == ("Look at it.", ("manage.py audit verify",))
    assert thinks.decision == "Whether it is so."
    assert (freezes.section, freezes.button, freezes.line) == ("Resolution", "freeze", 24)


BROKEN = {
    "no front matter": (GOOD.replace("---\n", "", 1), 1, "is missing"),
    "an unknown key": (GOOD.replace("title:", "titel:"), 3, "unknown key titel"),
    "another id": (GOOD.replace("id: p3-test", "id: p3-other"), 2, "not the file's name"),
    "no such severity": (GOOD.replace("severity: P3", "severity: P5"), 4, "P5 is no severity"),
    "a time without a unit": (GOOD.replace("15 min", "15"), 5, "a time is written as"),
    "an unknown clock": (GOOD.replace("acknowledge:", "panic:"), 5, "clocks are"),
    "broken YAML": (GOOD.replace("title: A test", "title: [A"), 4, "expected"),
    "front matter that is a list": ("---\n- a\n---\n", 1, "no mapping"),
    "a missing section": (GOOD.replace("## Resolution", "## Investigation"), 8, "its sections are not"),
    "an unknown section": (GOOD.replace("## Resolution", "## Outlook"), 22, "unknown section Outlook"),
    "a step that asks nothing": (
        GOOD.replace("   - Command: `manage.py audit verify`\n", ""),
        13,
        "no command or button",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_faulty_one_is_refused_by_file_and_line(tmp_path: Path, broken: str) -> None:
    text, line, fault = BROKEN[broken]
    file = written(tmp_path, text)
    with pytest.raises(PlaybookInvalid) as refused:
        playbooks.read(file)
    assert str(refused.value).startswith(f"{file}:{line}: ")
    assert fault in str(refused.value)


@pytest.mark.parametrize(
    ("there", "named", "fault"),
    [
        ("manage.py audit verify", "manage.py dance", "there is no such command"),
        ("manage.py audit verify", "manage.py audit verify --loudly", "unrecognized arguments: --loudly"),
        ("manage.py audit verify", "manage.py suspend {nobody}", "cannot be read"),
        ("Button: freeze", "Button: panic", "there is no button panic"),
    ],
)
def test_what_a_step_names_and_is_not_there_is_found(tmp_path: Path, there, named, fault) -> None:
    found = playbooks.read(written(tmp_path, GOOD.replace(there, named)))
    (told,) = playbook_lint.faults(found)
    assert fault in str(told)
    assert str(told).startswith(str(found.file))


def test_an_alert_that_does_not_name_the_playbook_is_found(tmp_path: Path) -> None:
    found = playbooks.read(written(tmp_path, GOOD.replace("clocks:", "alerts: [PulseSignupSpike]\nclocks:")))
    (told,) = playbook_lint.faults(found)
    assert "the alert PulseSignupSpike does not exist with this playbook" in str(told)


def test_html_and_scripts_in_markdown_are_shown_as_text() -> None:
    shown = playbooks.render("<script>alert(1)</script> [x](javascript:alert(1)) `<b>`")
    assert "<script>" not in shown
    assert 'href="javascript' not in shown
    assert "<code>&lt;b&gt;</code>" in shown


@pytest.mark.parametrize("drill", catalogue.DRILLS, ids=lambda drill: drill.name)
def test_every_drill_has_a_playbook_for_when_it_fails(drill) -> None:
    assert playbooks.of_drill(drill.name) is not None
