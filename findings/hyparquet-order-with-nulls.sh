#!/usr/bin/env bash
# Expected: `parquetQuery({ orderBy })` returns the rows sorted by that column, with the nulls at one end.
# Seen: it takes null for equal to every text, so the rows come back unsorted, and with `rowEnd` the wrong ones come
# first. In a column of numbers the nulls stand in the middle, as 0.
# Matters: the reason of an event is null wherever nothing failed. A report on an archive by reason tears its groups
# apart, and its first page lacks rows that belong there, without an error. Read all rows and sort them afterwards.
# Version: hyparquet 1.33.0, hyparquet-writer 0.17.0; duckdb 2.0.0 (PyPI) for comparison.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund hyparquet@1.33.0 hyparquet-writer@0.17.0
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.0
cat >find.mjs <<'JS'
import { writeFileSync } from 'node:fs';
import { parquetQuery } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';

const reasons = ['old', null, 'bounce', null, 'generic', null, 'bounce'];
const change = [3, null, -1, null, 2, null, -1];
const file = parquetWriteBuffer({
  columnData: [
    { name: 'reason', type: 'STRING', data: reasons, nullable: true },
    { name: 'change', type: 'INT32', data: change, nullable: true },
  ],
});
writeFileSync('events.parquet', Buffer.from(file));
async function by(column, rowEnd) {
  const rows = await parquetQuery({ file, orderBy: column, rowEnd });
  return rows.map((row) => row[column]);
}
console.log(JSON.stringify([await by('reason'), await by('reason', 3), await by('change')]));
JS
node find.mjs >hyparquet.json
cat >compare.py <<'PY'
import json
import sys

import duckdb


def by(column, limit=9):
    query = f"SELECT {column} FROM 'events.parquet' ORDER BY {column} NULLS LAST LIMIT {limit}"
    return [row[0] for row in duckdb.sql(query).fetchall()]


with open("hyparquet.json") as results:
    seen = json.load(results)
print("hyparquet 1.33.0, duckdb", duckdb.__version__)
sorted_by_duckdb = [by("reason"), by("reason", 3), by("change")]
for what, rows, as_sorted in zip(["by reason", "the first three", "by change"], seen, sorted_by_duckdb):
    print(f"{what}: hyparquet {rows}, duckdb {as_sorted}")
expected = [
    ["old", None, "bounce", None, "generic", None, "bounce"],
    ["old", None, "bounce"],
    [-1, -1, None, None, None, 2, 3],
]
if seen != expected or sorted_by_duckdb[1] != ["bounce", "bounce", "generic"]:
    print("hyparquet sorts nulls otherwise than before.")
    sys.exit(1)
PY
python/bin/python compare.py
