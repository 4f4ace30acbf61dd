#!/usr/bin/env bash
# Drives a running twin with Mailgun's client for Python.
set -euo pipefail
. "$(dirname "$0")/options.sh"
need python3
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check mailgun==1.10.0
"$folder/bin/python" "$here/python_client.py" "$mailgun_url" "$api_key" "$domain"
