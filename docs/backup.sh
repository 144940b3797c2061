#!/usr/bin/env bash
# Writes a backup of the whole installation into a new folder, while Pulse runs: docs/backup.sh FOLDER
# Run it beside manage.py with Pulse's environment: DATABASE_URL and PULSE_DATA_DIR, unless they are the defaults.
set -euo pipefail
into=$1
data=${PULSE_DATA_DIR:-var}
python=${PYTHON:-.venv/bin/python}
umask 077  # Keys and people's addresses are in it.
mkdir "$into"

# The control database first: what tenants' files have beyond it is not restored, so none is without its row.
case ${DATABASE_URL:-} in
postgres*) pg_dump --format=custom --file="$into/pulse.dump" "$DATABASE_URL" ;;
*) "$python" -c 'import sqlite3, sys; sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).backup(sqlite3.connect(sys.argv[2]))' \
	"$data/pulse.db" "$into/pulse.db" ;;
esac

"$python" manage.py backup_tenants --reason "backup of the whole installation"
cp -a "$data/backups" "$into/backups"

# Without its keys nobody's second factor, session or signed link is worth anything.
for file in .env "$data/secret_key" "$data/blocked_domains.txt"; do
	if [ -e "$file" ]; then cp -a "$file" "$into/"; fi
done

(cd "$into" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$into.sums"
mv "$into.sums" "$into/SHA256SUMS"
echo "Backed up into $into: $(wc -l <"$into/SHA256SUMS") files. Copy it to another machine."
