#!/usr/bin/env bash
# Expected: the Python library of Standard Webhooks signs the instant that a `datetime` names, whatever its time zone;
# the JavaScript one signs that of a `Date`.
# Seen: it takes the hours and minutes of an aware `datetime` for UTC. The same instant in Berlin's summer time is signed
# as two hours later, so its signature does not belong to the epoch seconds of that instant, and nothing verifies it.
# Matters: a test or a relay in Python that signs `datetime.now().astimezone()` works where the machine runs on UTC, as
# CI does, and fails on a laptop. Pass `datetime.now(timezone.utc)`.
# Version: standardwebhooks 1.1.0 (PyPI) and 1.1.1 (npm).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check standardwebhooks==1.1.0
npm install --silent --no-audit --no-fund standardwebhooks@1.1.1
cat >find.py <<'PY'
import subprocess
import sys
from datetime import datetime, timedelta, timezone

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
webhook = Webhook(SECRET)
now = datetime.now(timezone.utc).replace(microsecond=0)
berlin = now.astimezone(timezone(timedelta(hours=2)))
assert now == berlin


def verifies(signature):
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    try:
        webhook.verify("{}", headers)
        return True
    except WebhookVerificationError:
        return False


script = """
const { Webhook } = require("standardwebhooks");
const [secret, seconds] = process.argv.slice(1);
console.log(new Webhook(secret).sign("msg_1", new Date(Number(seconds) * 1000), "{}"));
"""
command = ["node", "-e", script, SECRET, str(int(now.timestamp()))]
javascript = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
in_utc, in_berlin = webhook.sign("msg_1", now, "{}"), webhook.sign("msg_1", berlin, "{}")

print("standardwebhooks 1.1.0 (PyPI), 1.1.1 (npm)")
print("signed in UTC, as JavaScript signs it:", in_utc == javascript, "and verified:", verifies(in_utc))
print("the same instant at +02:00, as JavaScript signs it:", in_berlin == javascript, "and verified:", verifies(in_berlin))
if in_utc != javascript or not verifies(in_utc) or verifies(in_berlin):
    print("The library signs an instant in another time zone otherwise than before.")
    sys.exit(1)
PY
python/bin/python find.py
