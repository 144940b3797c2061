#!/usr/bin/env bash
# Restores a whole installation from what docs/backup.sh wrote: docs/restore.sh FOLDER
# Run it on the new machine beside manage.py, of the same version, with Pulse's environment. Pulse must not run.
# With PostgreSQL, DATABASE_URL names a new, empty database. It exits 1 when a tenant could not be restored, and
# names it: all others are.
set -euo pipefail
from=$1
umask 077

(cd "$from" && sha256sum --quiet --check SHA256SUMS)
if [ -e "$from/.env" ] && [ ! -e .env ]; then cp -a "$from/.env" .env; fi
. "$(dirname "$0")/installation.sh"
if [ -e "$data/orgs" ] || [ -e "$data/backups" ] || { [ -n "$control" ] && [ -e "$control" ]; }; then
	echo "$data has an installation in it. Name an empty PULSE_DATA_DIR." >&2
	exit 1
fi
if [ -n "$control" ] && [ -e "$from/pulse.dump" ]; then
	echo "The backup is of PostgreSQL, and DATABASE_URL names none." >&2
	exit 1
fi

mkdir -p "$data"
for file in secret_key blocked_domains.txt; do
	if [ -e "$from/$file" ]; then cp -a "$from/$file" "$data/"; fi
done
if [ -n "$control" ]; then
	cp -a "$from/pulse.db" "$control"
else
	pg_restore --exit-on-error --single-transaction --no-owner --dbname="$PGDATABASE" "$from/pulse.dump"
fi
cp -a "$from/backups" "$data/backups"
"$python" manage.py migrate --check

# The newest backup of every tenant that the control database knows; its list begins with the newest.
failed=()
while read -r id backup; do
	"$python" manage.py restore_tenant "$id" "$backup" --yes --reason "disaster" </dev/null || failed+=("$id")
done < <("$python" manage.py backup_tenants --list | awk -F'\t' 'NR > 1 && !seen[$1]++ { print $1, $2 }')

ended=0
for verify in verify_tenants "audit verify" "evidence verify"; do
	# shellcheck disable=SC2086
	"$python" manage.py $verify || ended=1
done
if [ "${#failed[@]}" -gt 0 ]; then
	echo "Not restored: ${failed[*]}. For each, choose another backup: manage.py backup_tenants --list" >&2
	ended=1
fi
exit "$ended"
