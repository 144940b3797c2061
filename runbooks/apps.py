"""Whether it is safe to run, as a Django app."""

from django.apps import AppConfig


class RunbooksConfig(AppConfig):
    name = "runbooks"
    verbose_name = "Runbooks"

    def ready(self) -> None:
        from pulse import hosted_mode
        from runbooks import checks, metrics, verdicts  # noqa: F401

        hosted_mode.verdict_stands = verdicts.stands
