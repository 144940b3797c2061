"""The WSGI application that gunicorn serves. It refuses to start when a system check finds an error."""

import os

from django.core.checks import run_checks
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pulse.settings")
application = get_wsgi_application()

if errors := [found for found in run_checks() if found.is_serious() and not found.is_silenced()]:
    raise SystemCheckError("\n".join(str(error) for error in errors))
