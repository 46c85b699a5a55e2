"""Follow a running session from outside: python subscribe.py PUBLISH_ENDPOINT COMMANDS_ENDPOINT."""

import json
import sys

import zmq


def show(document: dict) -> None:
    """Print what a trial brought."""
    if document["schema"] == "trial":
        record = document["record"]
        print(record["number"], record["spec"]["condition"], record["delivered_ul"], "uL", flush=True)


publish, commands = sys.argv[1:3]
context = zmq.Context()
changes = context.socket(zmq.SUB)
changes.subscribe(b"events")  # first listen, then ask where things stand: so nothing falls in between
changes.connect(publish)
questions = context.socket(zmq.REQ)
questions.connect(commands)

questions.send_json({"id": 1, "do": "snapshot"})
seen = questions.recv_json()["snapshot"]["newest"]
print("attached at event", seen, flush=True)
over = False
while not over:
    _, header = changes.recv_multipart()
    event = json.loads(header)
    if event["n"] <= seen:
        continue
    questions.send_json({"id": 2, "do": "backfill", "first": seen + 1, "last": event["n"] - 1})
    for document in [m["document"] for m in questions.recv_json()["events"]] + [event["document"]]:
        show(document)
    seen = event["n"]
    over = event["document"]["schema"] == "session_ended"
context.destroy(linger=0)
