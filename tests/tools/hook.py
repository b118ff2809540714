#!/usr/bin/env python3
"""A receiver of webhooks, as another firm has one: the package `standardwebhooks` says which are genuine.

    hook.py ADDRESS SECRET

Prints a line of JSON for each delivery: its id, its type, and whether it and three changed copies of it are taken for
genuine. The first delivery is answered with 500, so that it comes again.
"""
import http.server
import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

hook = Webhook(sys.argv[2])
other = Webhook("whsec_" + "A" * 32)


def genuine(key, body, headers):
    try:
        key.verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Receiver(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = dict(self.headers.items())
        late = dict(headers, **{"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 3600)})
        told = json.loads(body)
        print(
            json.dumps(
                {
                    "id": headers["webhook-id"],
                    "type": told["type"],
                    "ref": told["data"].get("ticket-ref"),
                    "genuine": genuine(hook, body, headers),
                    "forged": [
                        genuine(hook, body.replace(b"ticket", b"tocket"), headers),
                        genuine(hook, body, late),
                        genuine(other, body, headers),
                    ],
                }
            ),
            flush=True,
        )
        Receiver.count += 1
        self.send_response(500 if Receiver.count == 1 else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


host, port = sys.argv[1].rsplit(":", 1)
http.server.ThreadingHTTPServer((host, int(port)), Receiver).serve_forever()
