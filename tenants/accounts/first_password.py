"""The form at the end of a mailed link, by which a new person sets their password."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from tenants.models import User


class FirstPasswordForm(forms.Form):
    """Asks nothing of a person who has a password already."""

    def __init__(self, *args: Any, email: str, is_needed: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email
        if is_needed:
            self.fields["password"] = forms.CharField(
                label="Password",
                strip=False,
                widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
                help_text="At least 10 characters. Any characters, spaces too.",
            )

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        validate_password(password, User(email=self.email))
        return password
