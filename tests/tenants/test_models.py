"""The tables' indexes serve the queries that run over all organizations."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tenants.models import Organization

pytestmark = pytest.mark.usefixtures("database")


def test_what_is_due_for_purge_is_a_range_of_its_index():
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # It would read a table this small as a whole.
        plan = Organization.objects.due_for_purge(now=timezone.now()).explain()
    assert "organization_due" in plan
