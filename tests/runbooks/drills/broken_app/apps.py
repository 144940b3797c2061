"""One function of the product replaced by one that looks away."""

import os
from importlib import import_module
from typing import Any

from django.apps import AppConfig

REPLACED: dict[str, tuple[str, str, Any]] = {
    "sign-up opens without limits": ("pulse.limits", "hit", lambda notation, *identifiers: True),
    "leftovers stay": ("rbac.template", "shutil.rmtree", lambda *args, **kwargs: None),
    "verification finds nothing": ("rbac.integrity", "verify", lambda organization_id: []),
    "a dead worker's jobs stay": ("pulse.jobs", "requeue_abandoned", lambda now: 0),
    "a lost database is not told of": ("pulse.health", "_outcome", lambda check: "ok"),
    "a full disk is not told of": ("pulse.health", "_data_directory", lambda: "ok"),
}


class BrokenConfig(AppConfig):
    name = "tests.runbooks.drills.broken_app"
    label = "broken"

    def ready(self) -> None:
        if broken := REPLACED.get(os.environ.get("PULSE_BROKEN", "")):
            module, name, replacement = broken
            owner: Any = import_module(module)
            *parents, last = name.split(".")
            for parent in parents:
                owner = getattr(owner, parent)
            setattr(owner, last, replacement)
