"""People with accounts, what they do on its pages, and the mails that they get."""

import re

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from pulse import tasks as pulse_tasks
from tenants import tasks
from tenants.models import User
from tests.factories import UserFactory

PASSWORD = "seven quiet herons"
OTHER = "eleven loud pelicans"
PAGE = {"accept": "text/html"}


def make_person(email: str = "ann@example.com", **fields: object) -> User:
    """Somebody with a verified address and the password."""
    person = UserFactory(email=email, **fields)
    person.set_password(PASSWORD)
    person.save()
    EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
    return person


def sign_in(
    email: str = "ann@example.com", password: str = PASSWORD, *, client: Client | None = None, **more
):
    """The answer to the sign-in form."""
    browser = client or Client(headers=PAGE)
    return browser.post("/account/login/", {"login": email, "password": password}, **more)


def browser_of(person: User, password: str = PASSWORD) -> Client:
    """A browser in which they have just signed in."""
    client = Client(headers=PAGE)
    assert sign_in(person.email, password, client=client).status_code == 302
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def post_comes() -> list[tuple[str, str]]:
    """What the worker sends: to whom, and the subject."""
    pulse_tasks.deliver_mails.call()
    return [(sent.to[0], sent.subject) for sent in mail.outbox]


def link() -> str:
    """The path of the link in the last mail."""
    return re.search(r"http://127\.0\.0\.1:8000(\S+)", mail.outbox[-1].body)[1]


def ask_for_reset(email: str = "ann@example.com", **more):
    """The answer to the form, once the job that it leaves has run."""
    answer = Client(headers=PAGE).post("/account/password/reset/", {"email": email}, **more)
    tasks.mail_password_reset.call(email)
    post_comes()
    return answer


def reset(path: str, password: str = OTHER, *, client: Client | None = None):
    """Open the mailed link and send the new password."""
    browser = client or Client(headers=PAGE)
    opened = browser.get(path)
    assert opened.status_code == 302, opened.content.decode()
    return browser.post(opened["Location"], {"password1": password, "password2": password})
