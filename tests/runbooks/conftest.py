"""A repository of the test's own, whose commit evidence is of, and a lane whose commands take no time."""

import subprocess
from pathlib import Path

import pytest

from tests.runbooks.world import Repository

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def repository(settings, tmp_path: Path, database: None) -> Repository:
    """Holds one commit, and beside it what the shipped lane's commands are."""
    folder, lanes = tmp_path / "repository", tmp_path / "lanes"
    folder.mkdir()
    lanes.mkdir()
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for name in ("manage.py", "tests"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".git" / "info" / "exclude").write_text("manage.py\ntests\n")
    settings.BASE_DIR = folder
    settings.PULSE_LANES_DIR = str(lanes)
    made = Repository(folder, lanes)
    made.commit()
    return made
