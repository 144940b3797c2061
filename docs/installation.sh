# Where the installation is, for docs/backup.sh and docs/restore.sh: asked of Pulse itself, which reads .env too.
# Sets `data` and, with SQLite, `control`, its file. With PostgreSQL that is empty, and the PG* variables are set.
python=${PYTHON:-.venv/bin/python}
installation=$("$python" manage.py shell --verbosity 0 --command '
from shlex import quote

from django.conf import settings

database = settings.DATABASES["default"]
is_sqlite = database["ENGINE"].endswith("sqlite3")
words = {"data": settings.PULSE_DATA_DIR, "control": database["NAME"] if is_sqlite else ""}
if not is_sqlite:
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    words |= {name: database[key] for name, key in names.items() if database[key]}
for name, word in words.items():
    print(f"export {name}={quote(str(word))}")
')
eval "$installation"
