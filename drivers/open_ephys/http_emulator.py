"""A stand-in for the GUI's HTTP server on a real socket, so that tests and the demo need no GUI.

It keeps a mode, a recording folder and a signal chain, and answers as the GUI was seen to: also 200 to an
unknown mode, and nothing said about a value of the wrong type.
"""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import msgspec

NO_JSON: Final = "JSON parse error"
NOT_FOUND: Final = "not found"


def default_chain(data_port: int = 5556) -> list[dict[str, Any]]:
    """Return the signal chain of the captured exchanges, from File Reader to Record Node."""
    stream = {
        "name": "rig_probe",
        "source_id": 100,
        "sample_rate": 30000.0,
        "channel_count": 8,
        "parameters": [],
    }
    names = ["File Reader", "Bandpass Filter", "Spike Detector", "Amp Sorter", "ZMQ Interface", "Record Node"]
    chain: list[dict[str, Any]] = []
    for node, name in zip((100, 101, 102, 103, 104, 106), names, strict=True):
        port = {"name": "data_port", "type": "Int", "value": str(data_port)}
        chain.append(
            {
                "id": node,
                "name": name,
                "parameters": [port] if name == "ZMQ Interface" else [],
                "streams": [dict(stream)],
                "predecessor": node - 1 if node > 100 else None,
            }
        )
    return chain


class GuiState:
    """What the emulated GUI does.

    Attributes
    ----------
    mode
        IDLE, ACQUIRE or RECORD.
    messages
        Texts that reached the recording, so those that came while it acquired.
    directories
        Folders that exist on its computer; None: all.
    """

    def __init__(
        self, chain: list[dict[str, Any]] | None = None, directories: set[str] | None = None
    ) -> None:
        self.mode = "IDLE"
        self.chain = default_chain() if chain is None else chain
        self.messages: list[str] = []
        self.configured: list[tuple[int, str]] = []
        self.directories = directories
        self.texts = {
            "append_text": "",
            "base_text": "YYYY-MM-DD_HH-MM-SS",
            "default_record_engine": "BINARY",
            "parent_directory": "recordings",
            "prepend_text": "",
        }
        self.recordings = 0

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Return status and text of an exchange."""
        asked: dict[str, Any] = {}
        if method == "PUT":
            try:
                asked = msgspec.json.decode(body, type=dict[str, Any])
            except (msgspec.MsgspecError, ValueError):
                return 400, NO_JSON.encode()
        parts = [part for part in path.split("/") if part]
        if parts[:1] != ["api"]:
            return 404, NOT_FOUND.encode()
        found = self._route(method, parts[1:], asked)
        return (404, NOT_FOUND.encode()) if found is None else found

    def _route(self, method: str, parts: list[str], asked: dict[str, Any]) -> tuple[int, bytes] | None:
        match method, parts:
            case _, ["status"]:
                if method == "PUT":
                    self._go(asked.get("mode"))
                return _json({"mode": self.mode})
            case "PUT", ["message"]:
                if self.mode != "IDLE" and isinstance(asked.get("text"), str):
                    self.messages.append(asked["text"])
                return _json({"mode": self.mode})
            case _, ["recording"]:
                if method == "PUT":
                    self._record_to(asked)
                return _json(self._recording())
            case "GET", ["cpu"]:
                return _json({"usage": 0.02 if self.mode != "IDLE" else 0.0})
            case "GET", ["processors"]:
                return _json({"processors": self.chain})
            case _, ["processors", node, *rest]:
                return self._processor(method, node, rest, asked)
        return None

    def _go(self, mode: object) -> None:
        has_node = any(p["name"] == "Record Node" for p in self.chain)
        if mode not in {"IDLE", "ACQUIRE", "RECORD"} or not self.chain or (mode == "RECORD" and not has_node):
            return  # answered 200 with the mode as it was
        if mode == "RECORD" and self.mode != "RECORD" and "YYYY" in self.texts["base_text"]:
            self.texts["base_text"] = "2026-01-02_03-04-05"  # a time of its own, the same every time
        if self.mode == "RECORD" and mode != "RECORD":
            self.recordings += 1
        self.mode = str(mode)

    def _record_to(self, asked: dict[str, Any]) -> None:
        for name, text in asked.items():
            if not isinstance(text, str) or name not in self.texts:
                continue
            if name == "parent_directory" and self.directories is not None and text not in self.directories:
                continue
            self.texts[name] = "YYYY-MM-DD_HH-MM-SS" if (name, text) == ("base_text", "auto") else text
        if asked.get("start_new_directory") == "true":
            self.recordings = 0

    def _recording(self) -> dict[str, Any]:
        nodes = [
            {
                "experiment_number": 1,
                "is_synchronized": True,
                "node_id": processor["id"],
                "parent_directory": self.texts["parent_directory"],
                "record_engine": self.texts["default_record_engine"],
                "recording_number": self.recordings,
            }
            for processor in self.chain
            if processor["name"] == "Record Node"
        ]
        return {**self.texts, "record_nodes": nodes}

    def _processor(
        self, method: str, node: str, rest: list[str], asked: dict[str, Any]
    ) -> tuple[int, bytes] | None:
        processor = next((p for p in self.chain if str(p["id"]) == node), None)
        if processor is None:
            return None
        match method, rest:
            case "GET", []:
                return _json(processor)
            case "PUT", ["config"]:
                self.configured.append((int(node), str(asked.get("text"))))
                return _json({"info": f"{processor['name']} received: {asked.get('text')}"})
            case "PUT", ["parameters", name]:
                for parameter in processor["parameters"]:
                    if parameter["name"] == name:
                        if self.mode != "IDLE":
                            return 400, b"Parameter is locked during acquisition"
                        parameter["value"] = str(asked.get("value"))
                        return _json(parameter)
        return None


def _json(value: object) -> tuple[int, bytes]:
    return 200, msgspec.json.encode(value)


class HttpEmulator:
    """The server: a context manager that listens on a free port of this computer.

    Attributes
    ----------
    gui
        What it does; may be looked at and changed while it runs.
    """

    def __init__(self, gui: GuiState | None = None, port: int = 0) -> None:
        self.gui = gui or GuiState()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """Where it listens, as ``host:port``."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with emulator._lock:
                    status, text = emulator.gui.answer(self.command, self.path, body)
                with contextlib.suppress(ConnectionError):  # a client that did not wait
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json" if status == 200 else "text/plain")
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler
