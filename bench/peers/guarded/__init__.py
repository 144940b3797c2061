"""The app whose objects django-guardian guards."""
