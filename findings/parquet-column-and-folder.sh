#!/usr/bin/env bash
# Expected: a column of a Parquet file holds what was written into it, wherever the file lies.
# Seen: where a folder above is named like the column (`domain=mg.example.com`), DuckDB and polars put the folder's text
# in place of every row's value, without being asked for partitions, DuckDB even for a file that is named alone. pyarrow
# refuses the file where both are text.
# Matters: an archive lies in such folders so that Athena can read it. Rows that name a domain or a day of their own lose
# it on the way to the reader, and a check of the archive by the same reader sees only what the folder says. Name no
# column like a folder.
# Version: duckdb 2.0.0, polars 2.1.0, pyarrow 26.0.1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.0 polars==2.1.0 pyarrow==26.0.1
cat >find.py <<'PY'
import os
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet

FILE = "archive/domain=mg.example.com/1.parquet"
os.makedirs(os.path.dirname(FILE))
rows = pyarrow.table({"id": ["a", "b"], "domain": ["mg.example.com", "eu.example.com"]})
pyarrow.parquet.write_table(rows, FILE)


def pyarrow_reads():
    try:
        return pyarrow.parquet.read_table("archive").column("domain").to_pylist()
    except pyarrow.lib.ArrowTypeError:
        return "ArrowTypeError"


print("duckdb", duckdb.__version__, "polars", polars.__version__, "pyarrow", pyarrow.__version__)
written = pyarrow.parquet.ParquetFile(FILE).read().column("domain").to_pylist()
seen = {
    "duckdb, the file alone": [row[0] for row in duckdb.sql(f"SELECT domain FROM '{FILE}'").fetchall()],
    "polars, the folder": polars.read_parquet("archive").get_column("domain").to_list(),
    "pyarrow, the folder": pyarrow_reads(),
}
print("written:", written)
for reader, domains in seen.items():
    print(f"{reader}: {domains}")
from_folder = ["mg.example.com"] * 2
if written[1] != "eu.example.com" or list(seen.values()) != [from_folder, from_folder, "ArrowTypeError"]:
    print("A reader chooses between column and folder otherwise than before.")
    sys.exit(1)
PY
python/bin/python find.py
