#!/usr/bin/env bash
# Restores a whole installation from what docs/backup.sh wrote: docs/restore.sh FOLDER
# Run it on the new machine beside manage.py, of the same version, with Pulse's environment. Pulse must not run.
# With PostgreSQL, DATABASE_URL names a new, empty database.
set -euo pipefail
from=$1
data=${PULSE_DATA_DIR:-var}
python=${PYTHON:-.venv/bin/python}
umask 077

(cd "$from" && sha256sum --quiet --check SHA256SUMS)
if [ -e "$data/orgs" ] || [ -e "$data/pulse.db" ]; then
	echo "$data has an installation in it. Name an empty PULSE_DATA_DIR." >&2
	exit 1
fi

mkdir -p "$data"
if [ -e "$from/.env" ] && [ ! -e .env ]; then cp -a "$from/.env" .env; fi
for file in secret_key blocked_domains.txt; do
	if [ -e "$from/$file" ]; then cp -a "$from/$file" "$data/"; fi
done
cp -a "$from/backups" "$data/backups"
if [ -e "$from/pulse.dump" ]; then
	pg_restore --exit-on-error --single-transaction --no-owner --dbname="$DATABASE_URL" "$from/pulse.dump"
else
	cp -a "$from/pulse.db" "$data/pulse.db"
fi
"$python" manage.py migrate --check

# The newest backup of every tenant that the control database knows; its list begins with the newest.
"$python" manage.py backup_tenants --list | awk -F'\t' 'NR > 1 && !seen[$1]++ { print $1, $2 }' |
	while read -r id backup; do
		"$python" manage.py restore_tenant "$id" "$backup" --yes --reason "disaster" </dev/null
	done

"$python" manage.py verify_tenants
"$python" manage.py audit verify
"$python" manage.py evidence verify
