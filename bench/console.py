"""The home of the admin and the first page of every list, to their limits, in a world of `manage.py seed`.

It makes a small one. A large one that is there already is named by `PULSE_BENCH_DATABASE_URL`.
"""

from io import StringIO

from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from bench import ground
from bench.measure import Work, alternately, median
from bench.results import Result, run
from tenants.models import DEFAULT_ORGANIZATION, Organization, User

ORGANIZATIONS = 1000
EVENTS = 50_000
HOME_MILLISECONDS = 100
LIST_MILLISECONDS = 150
ROUNDS = 10
OPERATOR = "ada@operators.example"


def measure() -> list[Result]:
    ground.migrate()
    if not Organization.objects.exclude(id=DEFAULT_ORGANIZATION).exists():
        size = {"organizations": ORGANIZATIONS, "events": EVENTS}
        call_command("seed", **size, without_databases=True, stdout=StringIO())
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(email=OPERATOR))
    limits = {reverse("admin:index"): ("home of the admin", HOME_MILLISECONDS)}
    limits |= {path_of(one): ("first page of a list", LIST_MILLISECONDS) for one in lists()}
    taken = alternately(*(page(client, path) for path in limits), rounds=ROUNDS, title="home and lists")
    return [
        Result(f"{name}, to the limit of {path}", median(times) / 1000, limit, "ms", 1.0)
        for (path, (name, limit)), times in zip(limits.items(), taken, strict=True)
    ]


def lists() -> list[type[Model]]:
    return list(admin.site._registry)


def path_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")


def page(client: Client, path: str) -> Work:
    def read() -> None:
        if client.get(path).status_code != 200:
            raise AssertionError(f"{path} cannot be read")

    return read


if __name__ == "__main__":
    run(measure)
