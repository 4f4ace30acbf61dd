#!/usr/bin/env bash
# Expected: a query over Parquet files of which later ones have a column more shows it, as null where it is missing, or
# fails.
# Seen: the first file decides. A column that only later files have is left out without a word, and cannot be selected;
# the same files in the other order are an error. Only `union_by_name = true` shows both.
# Matters: files are named by their time, so the oldest comes first: what an archive began to record later is invisible
# to `SELECT *`, to a count of its values and to an export, and nothing fails. polars refuses such files.
# Version: duckdb 2.0.0, pyarrow 26.0.1 as the writer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.0 pyarrow==26.0.1
cat >find.py <<'PY'
import sys

import duckdb
import pyarrow
import pyarrow.parquet

pyarrow.parquet.write_table(pyarrow.table({"id": ["a"]}), "2026-10.parquet")
pyarrow.parquet.write_table(pyarrow.table({"id": ["b"], "reason": ["bounce"]}), "2026-11.parquet")


def read(source):
    try:
        return duckdb.sql(f"SELECT * FROM {source}").fetchall()
    except duckdb.Error as error:
        return type(error).__name__


print("duckdb", duckdb.__version__)
seen = {
    "*.parquet": read("'*.parquet'"),
    "newest first": read("read_parquet(['2026-11.parquet', '2026-10.parquet'])"),
    "union_by_name": read("read_parquet('*.parquet', union_by_name = true)"),
}
for source, rows in seen.items():
    print(f"{source}: {rows}")
expected = [[("a",), ("b",)], "InvalidInputException", [("a", None), ("b", "bounce")]]
if list(seen.values()) != expected:
    print("DuckDB joins files of different columns otherwise than before.")
    sys.exit(1)
PY
python/bin/python find.py
