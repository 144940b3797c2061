"""An operator in Chromium gives an organization a role and a person, mends its database, and lays an override."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_lifecycle import EMAIL, PASSWORD, banner, confirm, dialog, press, signed_in
from tests.factories import make_operator, make_organization, member_token
from tests.needs import chromium
from tests.processes import web_server

pytestmark = [pytest.mark.usefixtures("database"), chromium]


@pytest.fixture
def token(database: None) -> str:
    """Of the owner of acme; an operator who may do everything is there to sign in, too."""
    operator = make_operator("admin", email=EMAIL)
    operator.set_password(PASSWORD)
    operator.save()
    make_organization("acme")
    return member_token("acme")
