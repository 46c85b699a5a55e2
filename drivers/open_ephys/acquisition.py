"""The Open Ephys GUI as a session's recording program (fulfils `rig.acquisition.Acquisition`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from drivers.open_ephys import network
from drivers.open_ephys.api import Mode, Recording
from drivers.open_ephys.http import OpenEphysHttp
from drivers.open_ephys.network_client import NetworkEvents
from rig.acquisition import Acquired, Found
from rig.description import StreamConfig
from rig.errors import ConfigError, DopaloopError


class OpenEphysAcquisition:
    """One GUI: acquisition, recording, and remarks at trials.

    Parameters
    ----------
    streams
        The streams that come from it; all have the same ``http``.
    """

    def __init__(self, streams: Sequence[StreamConfig]) -> None:
        self._streams = tuple(streams)
        self._gui = OpenEphysHttp(streams[0].http)
        self._record = any(stream.record for stream in streams)
        self._where = f"{self._gui.host}:{self._gui.port}"
        self._undo: list[Callable[[], object]] = []
        marked = next((stream for stream in streams if stream.network), None)
        self._plugin = NetworkEvents(marked.network) if marked is not None else None
        self._line = marked.network_line if marked is not None else -1

    @property
    def marks(self) -> bool:
        """Whether it wants to hear of trials."""
        return self._plugin is not None

    # --- before and after a session ---------------------------------------------------------------

    def look(self) -> Found:
        """Say what it is doing; change nothing."""
        mode, chain = self._gui.mode(), self._gui.processors()
        recording = self._gui.recording()
        ports = self._gui.data_ports()
        words = " > ".join(processor.name for processor in chain) or "an empty signal chain"
        plugins = ", ".join(f"{name} on port {port}" for name, port in ports.items()) or "no ZMQ Interface"
        line = f"Open Ephys at {self._where}: {mode}; {words}; {plugins}; records to {_told(recording)}"
        problems = []
        if self._record and not any(processor.name == "Record Node" for processor in chain):
            problems.append("it shall record, but there is no Record Node in its chain")
        for stream in self._streams:
            port = stream.data.rpartition(":")[2]
            if ports and port.isdigit() and int(port) not in ports.values():
                problems.append(f"stream '{stream.name}' listens on port {port}, and no plugin sends there")
        if self._plugin is not None:
            problems += self._try_plugin(self._plugin)
        return Found(line=line, problems=tuple(problems))

    def _try_plugin(self, plugin: NetworkEvents) -> list[str]:
        try:
            plugin.send(network.is_recording())
        except DopaloopError as error:
            return [str(error)]
        return []

    def begin(self, subject: str) -> Acquired:
        """Start what is wanted and not running; nothing is left started if that fails."""
        try:
            return self._begin(subject)
        except DopaloopError:
            with contextlib.suppress(DopaloopError):
                self._undo_all()
            raise

    def _begin(self, subject: str) -> Acquired:
        before = self._gui.mode()
        if before == "IDLE":
            self._gui.start_acquisition()
            self._undo.append(self._gui.stop_acquisition)
        recording = self._recorded(before, subject) if self._record or before == "RECORD" else None
        return Acquired(
            where=self._where,
            streams=tuple(stream.name for stream in self._streams),
            before=before,
            recording=recording is not None,
            folders=recording.folders() if recording is not None else (),
        )

    def _recorded(self, before: Mode, subject: str) -> Recording:
        if before == "RECORD":
            return self._gui.recording()  # somebody records already: into that, and it goes on afterwards
        prefix = self._gui.recording().prepend_text
        self._gui.set_recording(prepend_text=f"{subject}_", base_text="auto", start_new_directory=True)
        self._undo.append(lambda: self._gui.set_recording(prepend_text=prefix))
        recording = self._gui.start_recording()
        self._undo.append(self._gui.stop_recording)
        self._gui.message(f"dopaloop: session of {subject}")
        return recording

    def end(self) -> None:
        """Stop what `begin` started."""
        try:
            self._undo_all()
        finally:
            if self._plugin is not None:
                self._plugin.close()

    def _undo_all(self) -> None:
        """Undo what was done, the last first, all of it; then raise the first thing that went wrong."""
        wrong: list[DopaloopError] = []
        while self._undo:
            try:
                self._undo.pop()()
            except DopaloopError as error:
                wrong.append(error)
        if wrong:
            raise ConfigError(f"Open Ephys at {self._where} may still be running: {wrong[0]}")

    # --- in a session -----------------------------------------------------------------------------

    def mark(self, trial: int, *, on: bool) -> None:
        """Leave a text at a trial's beginning; and a TTL for its length, where a line is named."""
        if self._plugin is None:
            return
        if on:
            self._plugin.send(network.text(f"dopaloop trial {trial + 1}"))
        if self._line >= 0:
            self._plugin.ttl(self._line, on)


def _told(recording: Recording) -> str:
    parent = recording.parent_directory or "its default folder"
    return f"'{parent}'" if recording.parent_directory else parent
