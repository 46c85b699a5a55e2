"""A client of the Open Ephys GUI's HTTP API: a connection a request, a time limit, a sentence if it fails.

For before and after trials, never within one: the GUI answers when its window's thread has time.
"""

from __future__ import annotations

import http.client
from typing import Final

from drivers.open_ephys import api
from drivers.open_ephys.api import Mode, Processor, Recording, Reply, Request
from rig.errors import ConfigError, TransportError

TIMEOUT_S: Final = 5.0
LONGEST_REPLY: Final = 4_000_000


class OpenEphysHttp:
    """The GUI at one address.

    Parameters
    ----------
    address
        ``host`` or ``host:port``; the GUI listens on 37497.
    timeout_s
        How long to wait for a connection and for each answer.

    Raises
    ------
    ConfigError
        From any call: the GUI refused, or did something else than asked.
    TransportError
        From any call: nothing answers there, too late, or something that is no Open Ephys GUI.
    """

    def __init__(self, address: str = "127.0.0.1", timeout_s: float = TIMEOUT_S) -> None:
        host, _, port = address.rpartition(":") if ":" in address else (address, "", str(api.PORT))
        if not host or not port.isdigit() or not 0 < int(port) < 1 << 16:
            raise ConfigError(f"'{address}' is no address of the Open Ephys GUI; write HOST or HOST:PORT")
        self.host, self.port = host, int(port)
        self.timeout_s = timeout_s

    # --- what it does -----------------------------------------------------------------------------

    def mode(self) -> Mode:
        """Return whether it is idle, acquires or records."""
        return api.read_mode(self.send(api.get_mode()))

    def start_acquisition(self) -> None:
        """Start acquisition; a recording goes on."""
        if self.mode() == "IDLE":
            self._go("ACQUIRE")

    def stop_acquisition(self) -> None:
        """Stop everything."""
        self._go("IDLE")

    def start_recording(self) -> Recording:
        """Start recording (and acquisition); return where to."""
        self._go("RECORD")
        return self.recording()

    def stop_recording(self) -> None:
        """Stop recording; acquisition goes on."""
        if self.mode() == "RECORD":
            self._go("ACQUIRE")

    def recording(self) -> Recording:
        """Return where it records to."""
        return api.read_recording(self.send(api.get_recording()))

    def set_recording(
        self,
        *,
        parent_directory: str | None = None,
        prepend_text: str | None = None,
        base_text: str | None = None,
        append_text: str | None = None,
        start_new_directory: bool = False,
    ) -> Recording:
        """Say where to record to; return what it took. A directory that it does not know it ignores.

        Raises
        ------
        ConfigError
            If it did not take the directory.
        """
        asked = api.set_recording(
            parent_directory=parent_directory,
            prepend_text=prepend_text,
            base_text=base_text,
            append_text=append_text,
            start_new_directory=start_new_directory,
        )
        taken = api.read_recording(self.send(asked))
        if parent_directory is not None and taken.parent_directory != parent_directory:
            raise ConfigError(
                f"Open Ephys records to '{taken.parent_directory}', not to '{parent_directory}': does that "
                "folder exist on its computer?"
            )
        return taken

    def message(self, text: str) -> None:
        """Leave a text in the recording (only heard while it acquires)."""
        api.read_done(self.send(api.message(text)))

    def processors(self) -> tuple[Processor, ...]:
        """Return the signal chain."""
        return api.read_processors(self.send(api.get_processors()))

    def set_parameter(
        self, node: int, name: str, value: str | float | bool, stream: int | None = None
    ) -> None:
        """Set one parameter of a processor, or of one of its streams."""
        api.read_done(self.send(api.set_parameter(node, name, value, stream)))

    def configure(self, node: int, text: str) -> str:
        """Send a plugin a text of its own language; return its answer."""
        return api.read_info(self.send(api.configure(node, text)))

    def data_ports(self) -> dict[str, int]:
        """Return the data port of every plugin that has one, by ``name id``: where its ZeroMQ publishes."""
        ports = {}
        for processor in self.processors():
            port = processor.parameter("data_port")
            if port is not None and port.isdigit():
                ports[f"{processor.name} {processor.id}"] = int(port)
        return ports

    # --- how --------------------------------------------------------------------------------------

    def _go(self, mode: Mode) -> None:
        api.reached_mode(self.send(api.set_mode(mode)), mode)

    def send(self, request: Request) -> Reply:
        """Send one request and wait for its answer."""
        place = f"Open Ephys at {self.host}:{self.port}"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        try:
            headers = {"Content-Type": "application/json"} if request.body else {}
            connection.request(request.method, request.path, request.body or None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(LONGEST_REPLY))
        except TimeoutError:
            raise TransportError(
                f"{place} did not answer within {self.timeout_s:g} s: is a question open in its window?"
            ) from None
        except OSError as error:
            raise TransportError(
                f"{place} cannot be reached ({error.strerror or error}): is the GUI running?"
            ) from None
        except http.client.HTTPException as error:
            raise TransportError(f"what answers at {self.host}:{self.port} is no HTTP ({error})") from None
        finally:
            connection.close()
