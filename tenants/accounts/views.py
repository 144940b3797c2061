"""The pages of an account that django-allauth has none of."""

from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView


class Home(LoginRequiredMixin, TemplateView):
    """What a person may change about their account, and where they belong."""

    template_name = "account/home.html"
