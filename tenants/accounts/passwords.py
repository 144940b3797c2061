"""What a password must withstand, without asking anybody else: a guesser who knows the usual ones."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn

# zxcvbn takes longer the longer the text, and judges no more than this.
JUDGED = 72
# Of 0 to 4; 3 takes a guesser 10^8 guesses and more, at which even a stolen argon2 hash holds for years.
LEAST = 3


class Hasher(Argon2PasswordHasher):
    """argon2id at a cost of OWASP's list (46 MiB, one pass, one lane): bench.sign_in measures what it costs.

    Django's own, of 100 MiB in eight lanes, would take 800 MiB when the eight threads of a process are
    signing people in, and no attacker is slowed by lanes.
    """

    memory_cost = 47_104  # KiB
    time_cost = 1
    parallelism = 1


class GuessableValidator:
    """Refuses what zxcvbn finds guessable: 30,000 leaked passwords, words and names, keyboard walks, dates,
    the person's own address, and what is made of them by the usual replacements."""

    def validate(self, password: str, user: Any = None) -> None:
        known = [text for text in (getattr(user, "email", ""), getattr(user, "name", "")) if text]
        verdict = zxcvbn(password[:JUDGED], user_inputs=known)
        if verdict["score"] < LEAST:
            why = verdict["feedback"]["warning"] or "This password is too easy to guess."
            raise ValidationError(f"{why} Take several words that have nothing to do with one another.")

    def get_help_text(self) -> str:
        return "Your password must not be easy to guess."
