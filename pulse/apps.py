"""The ground floor as a Django app."""

from django.apps import AppConfig


class PulseConfig(AppConfig):
    name = "pulse"
    verbose_name = "Pulse"

    def ready(self) -> None:
        from pulse import checks, logs, metrics  # noqa: F401

        logs.configure()
