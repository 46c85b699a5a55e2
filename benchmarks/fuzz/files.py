"""Readers of files that may come from anybody: sessions, rigs, recordings, keys, an engine's announcement."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.fuzz.readers import Reader
from benchmarks.virtual import sitting
from drivers.pyphotometry import ppd
from drivers.pyphotometry.wire import MODES
from rig.cli.inspect import session_report, session_truth
from rig.cli.replay import recorded_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import STREAM
from rig.documents import Document
from rig.log.chain import Chain
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.runtime.config import dump_rig, load_rig
from rig.runtime.keys import new_ring, read_client, read_ring, write_client, write_clients
from rig.runtime.photometry_files import read_photometry
from rig.runtime.reader import SessionFile
from rig.runtime.recorder import Recorder
from rig.runtime.recordings import is_spike_file, read_responses, read_spikes, spike_responses
from rig.runtime.registry import RunningEngine, running
from rig.sim.drive import drive


def _saved(folder: Path, name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Read what is written to a file first."""
    path = folder / name

    def take(data: bytes) -> object:
        path.write_bytes(data)
        return read(path)

    return take


# --- sessions -------------------------------------------------------------------------------------------


def session_bytes(folder: Path) -> bytes:
    """Return a whole session file: two trials of one unit."""
    path = folder / "good.sqlite"
    path.unlink(missing_ok=True)
    path.touch()
    made = sitting(trials=2, units=1)
    meta = {key: msgspec.json.encode(value).decode() for key, value in made.session.meta.items()}
    recorder, chain, told = Recorder(path, meta), Chain(meta), list[Document]()

    def record(entry: Input) -> None:
        recorder.documents(entry.seq - 1, told.copy())
        told.clear()
        recorder.append(entry, chain.before(entry))

    drive(
        made.session,
        made.rig,
        stream=STREAM,
        publish=lambda effect: told.append(effect.document),
        record=record,
    )
    recorder.documents(0, told)
    recorder.close(EndMark(inputs=1, chain="", reason="done", ok=True))
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM inputs WHERE seq > 40")
        db.execute("DELETE FROM documents WHERE id > 60")
    db.execute("VACUUM")
    db.close()
    return path.read_bytes()


def _read_session(path: Path) -> None:
    with SessionFile(path) as session:
        _ = session.meta, session.subject, session.corrections()
        for _row in session.rows():
            pass
        for _document in session.documents():
            pass
        for _time in session.times_of_documents():
            pass
        for name in session.tables:
            for _cell in session.table(name)[1]:
                pass
        session_report(session)
        session_truth(session)
        recorded_plan(session)


# --- recordings -----------------------------------------------------------------------------------------


def _npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def _spikes(folder: Path) -> Sequence[bytes]:
    stamps = np.arange(8) * 5000.0 + 5000
    good = {
        "spikes_00": np.sort(np.arange(200) * 219.3),
        "odor_on_00": stamps,
        "trial_type_00": np.arange(8) % 8,
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **good)  # type: ignore[arg-type]
    pickled = _npz(spikes_00=np.array([{"a": 1}], dtype=object), odor_on_00=stamps, trial_type_00=stamps)
    return [_npz(**good), packed.getvalue(), pickled]


def _read_spikes(path: Path) -> None:
    if is_spike_file(path):
        units = read_spikes(path)
        if sum(unit.stamps_ms.size for unit in units) < 1000:
            spike_responses(units)


def _responses(folder: Path) -> Sequence[bytes]:
    head = "unit,trial,reward_ul,signalled,response_hz,baseline_hz\n"
    rows = "".join(f"u{k % 3},{k // 3},{k % 7 + 0.1},{k % 2},{k * 0.7 - 3},{2.5}\n" for k in range(30))
    return [(head + rows).encode(), b"\xef\xbb\xbf" + (head + rows).replace("\n", "\r\n").encode()]


def _photometry_npz(folder: Path) -> Sequence[bytes]:
    row = np.arange(50)
    return [
        _npz(gcamp_adc=row, iso_adc=row, fs_hz=130.0, volts_per_count=1e-4, din_0=row % 2, lick_s=row / 9)
    ]


def _ppd(folder: Path) -> Sequence[bytes]:
    words = (np.arange(400, dtype=np.uint16).reshape(-1, 4) * 16).astype(np.uint16)
    whole = ppd.dump(words, MODES["2EX_2EM_pulsed"], 130, subject_ID="m1")
    return [whole, whole.replace(b'"1.1"', b'"1.0"'), whole.replace(b'"1.1"', b'"0.3"')]


# --- keys and announcements -----------------------------------------------------------------------------


def _keys(folder: Path) -> Path:
    """Make a ring with one client, and that client's key; return where."""
    place = folder / f"keys{len(list(folder.glob('keys*')))}"
    ring, key = new_ring(place).with_client("window", "operate")
    write_client(place / "window.key", key)
    write_clients(place, ring)
    return place


def _key_texts(folder: Path) -> Sequence[bytes]:
    place = _keys(folder)
    return [(place / "window.key").read_bytes(), (place / "clients.toml").read_bytes()]


def _read_key(path: Path) -> None:
    path.chmod(0o600)
    read_client(path)


def _read_clients(folder: Path) -> Callable[[bytes], object]:
    path = _keys(folder) / "clients.toml"

    def take(data: bytes) -> None:
        path.write_bytes(data)
        read_ring(path.parent)

    return take


def _announcements(folder: Path) -> Callable[[bytes], object]:
    os.environ["DOPALOOP_RUNTIME_DIR"] = str(folder / "runtime")
    (folder / "runtime").mkdir(exist_ok=True)
    return _saved(folder / "runtime", f"{os.getpid()}.json", lambda path: running())


def _announcement(folder: Path) -> Sequence[bytes]:
    engine = RunningEngine(
        pid=os.getpid(), rig="r", subject="m", protocol="p", publish="tcp://127.0.0.1:1",
        commands="tcp://127.0.0.1:2", session_file="s", key="",
    )  # fmt: skip
    return [msgspec.json.encode(engine)]


_TOML = (
    b"[[",
    b"]]",
    b'"""',
    b"'''",
    b"= 1e999\n",
    b"= -1\n",
    b"[board.outputs.x]\n",
    b"1979-05-27T07:32:00Z",
    b"\\u0000",
)

READERS = (
    Reader(
        "session-file",
        "session files: rows, documents, tables, estimates, plan",
        lambda folder: _saved(folder, "s.sqlite", _read_session),
        lambda folder: [session_bytes(folder)],
        (b'"schema":', b'{"schema":"trial"', b"SQLite format 3\x00", b'"protocol":"x.py"'),
    ),
    Reader(
        "rig-file",
        "rig files",
        lambda folder: _saved(folder, "rig.toml", load_rig),
        lambda folder: [dump_rig(demo_rig()).encode(), b'name = "box"\n[board]\nport = "COM3"\n'],
        _TOML,
    ),
    Reader(
        "spikes",
        "spike files (.npz)",
        lambda folder: _saved(folder, "s.npz", _read_spikes),
        _spikes,
        (b"\x93NUMPY", b"PK\x03\x04", b"|O", b"'descr': '<f8'", b"(999999999,)"),
    ),
    Reader(
        "responses",
        "tables of responses (.csv)",
        lambda folder: _saved(folder, "r.csv", read_responses),
        _responses,
        (b",", b'"', b"\n"),
    ),
    Reader(
        "photometry-npz",
        "photometry recordings (.npz)",
        lambda folder: _saved(folder, "p.npz", read_photometry),
        _photometry_npz,
        (b"\x93NUMPY", b"|O", b"(999999999,)"),
    ),
    Reader(
        "ppd", "pyPhotometry's files (.ppd)", lambda folder: _saved(folder, "p.ppd", read_photometry), _ppd
    ),
    Reader("client-key", "key files", lambda folder: _saved(folder, "x.key", _read_key), _key_texts, _TOML),
    Reader("key-ring", "rings of keys", _read_clients, _key_texts, _TOML),
    Reader("announcements", "announcements of engines", _announcements, _announcement, allowed=()),
)
