#!/usr/bin/env bash
# Writes a backup of the whole installation into a new folder, while Pulse runs: docs/backup.sh FOLDER
# Run it beside manage.py with Pulse's environment. It exits 1 when a tenant could not be backed up: the backup
# is whole but for what it says, and has that tenant's earlier ones.
set -euo pipefail
into=$1
. "$(dirname "$0")/installation.sh"
umask 077  # Keys and people's addresses are in it.
mkdir "$into"

# The control database first: what tenants' files have beyond it is not restored, so none is without its row.
if [ -n "$control" ]; then
	"$python" -c 'import sqlite3, sys; sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).backup(sqlite3.connect(sys.argv[2]))' \
		"$control" "$into/pulse.db"
else
	pg_dump --format=custom --file="$into/pulse.dump"
fi

failed=0
"$python" manage.py backup_tenants --reason "backup of the whole installation" || failed=1
cp -a "$data/backups" "$into/backups"

# Without its keys nobody's second factor, session or signed link is worth anything.
for file in .env "$data/secret_key" "$data/blocked_domains.txt"; do
	if [ -e "$file" ]; then cp -a "$file" "$into/"; fi
done

(cd "$into" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$into.sums"
mv "$into.sums" "$into/SHA256SUMS"
echo "Backed up into $into: $(wc -l <"$into/SHA256SUMS") files. Copy it to another machine."
if [ "$failed" = 1 ]; then echo "Some tenants were not backed up: see above." >&2; fi
exit "$failed"
