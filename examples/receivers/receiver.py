# Receives deliveries: pip install standardwebhooks, then SECRET=whsec_… PORT=9999 python receiver.py
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SECRET"])
held = {}  # The greatest order of each subject; yours belongs into your database.


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = webhook.verify(body, dict(self.headers))
        except WebhookVerificationError:
            return self.respond(401)
        data = event["data"]
        # Repeats and what was overtaken have no greater order; a receiver.test has no subject.
        if "subject" in data and data["order"] > held.get(data["subject"], ""):
            held[data["subject"]] = data["order"]
            print(event["type"], data["id"], flush=True)
        self.respond(204)

    def respond(self, status):
        self.send_response(status)
        self.end_headers()


server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver)
print("listening", server.server_port, flush=True)
server.serve_forever()
