"""The whole engine around a tiny session: a real terminal, real sockets, a real file."""

import os
import signal
import sqlite3
import threading
import time
import zlib

import pytest
import zmq

from rig.documents import SessionState
from rig.effects import Halt, Write
from rig.errors import ConfigError, ReplayMismatch
from rig.log.entry import PORT_OPEN
from rig.log.pack import pack
from rig.log.replay import replay
from rig.operator import Note
from rig.operator import Stop as StopCommand
from rig.runtime import ports
from rig.runtime.client import Client, EventChange, StateChange
from rig.runtime.engine import Engine
from rig.runtime.feeds import FeedPort
from rig.runtime.guard import Guard
from rig.runtime.inbox import InboxClosedError
from rig.runtime.ports import Port
from rig.runtime.reader import SessionFile

META = {"subject": "m1", "seed": 7, "rig": {"name": "box"}}


@pytest.fixture
def session(make_session):
    return make_session()


@pytest.fixture
def make_engine(tmp_path, board, session):
    made = []

    def make(*, guarded=True, use=None, **options):
        port = Port("board", board.open_transport)
        guard = Guard(port, lambda n: b".", lambda: b"!") if guarded else None
        if options.get("ports") == []:
            session.port = None
        options = {"farewell_s": 0.05, "ports": [port], "guard": guard} | options
        engine = Engine(use or session, meta=META, out=tmp_path, subject="m1", **options)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def run():
    """Run an engine in a thread; `run(engine)()` waits for its outcome."""

    def begin(engine):
        outcomes = []
        thread = threading.Thread(target=lambda: outcomes.append(engine.run()), name="engine")
        thread.start()

        def outcome():
            thread.join(10)
            assert not thread.is_alive()
            assert outcomes, "the engine raised"
            return outcomes[0]

        return outcome

    return begin


def entries(path):
    with SessionFile(path) as found:
        return list(found.inputs())


def documents(path):
    with SessionFile(path) as found:
        return [document for _, document in found.documents()]


def replayed(path, session):
    with SessionFile(path) as found:
        return replay(session, found.rows(), found.meta_text, found.end, found.documents())


def test_from_bytes_to_bytes_and_to_the_file(make_engine, board, run, wait_for, texts):
    engine = make_engine(guarded=False)
    outcome = run(engine)
    wait_for(lambda: engine.health()["ports"]["board"]["open"])
    board.write(b"hello")
    wait_for(lambda: board.read() == b"HELLO")
    board.write(b"halt")
    done = outcome()
    assert (done.reason, done.ok, done.unstored, done.problems, done.trace) == ("as asked", True, 0, (), "")
    assert board.read(0.1) == b"HELLOHALTBYE"
    stored = entries(done.path)
    assert [(entry.kind, entry.payload) for entry in stored] == [
        ("port", PORT_OPEN), ("bytes", b"hello"), ("bytes", b"halt"),
    ]  # fmt: skip
    assert done.inputs == 3
    assert texts(documents(done.path)) == ["started at 0", "b'hello'", "b'halt'"]
    assert done.path.name.startswith("m1_")
    with SessionFile(done.path) as found:
        assert {key: found.meta[key] for key in META} == META
        assert "python" in found.meta["versions"]
        assert (found.end.reason, found.end.ok, found.end.inputs) == ("as asked", True, 3)


def test_every_input_is_recorded_before_it_is_acted_on(make_engine, make_session, run, board, wait_for):
    class Suspicious(make_session().__class__):
        def step(self, entry):
            assert engine._recorder._taken_bytes > 0
            assert engine._recorder._queue or engine._recorder._records or engine._recorder.stored > entry.seq
            return super().step(entry)

    engine = make_engine(use=Suspicious())
    outcome = run(engine)
    engine.submit(StopCommand())
    assert outcome().ok


def test_a_deadline_wakes_the_session(make_engine, board, run, wait_for, texts):
    engine = make_engine(guarded=False)
    outcome = run(engine)
    wait_for(lambda: engine.health()["ports"]["board"]["open"])
    board.write(b"wake")
    wait_for(lambda: engine.health()["inputs"] == 3)
    engine.submit(StopCommand())
    done = outcome()
    stored = entries(done.path)
    asked, woken = stored[1], stored[2]
    assert woken.kind == "deadline"
    assert 20_000_000 <= woken.t_ns - asked.t_ns < 500_000_000
    assert "woken" in texts(documents(done.path))


def test_neural_messages_and_commands_share_one_order(make_engine, make_session, run, wait_for):
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        engine = make_engine(feeds=[FeedPort(name="probe", data=f"tcp://127.0.0.1:{port}")])
        outcome = run(engine)
        assert publisher.recv() == b"\x01"
        publisher.send_multipart([b"DATA\0", b"{}"])
        wait_for(lambda: engine.health()["feeds"]["probe"]["messages"] == 1)
        with Client(engine.publish_endpoint, engine.commands_endpoint, name="gui") as client:
            assert client.submit(Note(text="sleepy")) >= 1
            client.submit(StopCommand())
        done = outcome()
    stored = entries(done.path)
    assert [entry.seq for entry in stored] == list(range(len(stored)))
    messages = next(entry for entry in stored if entry.kind == "messages")
    assert (messages.source, messages.payload) == ("probe", pack([[b"DATA\0", b"{}"]]))
    assert [entry.source for entry in stored if entry.kind == "command"] == ["gui", "gui"]
    assert replayed(done.path, make_session()).complete


def test_a_client_follows_to_the_end(make_engine, run):
    engine = make_engine()
    with Client(engine.publish_endpoint, engine.commands_endpoint) as client:
        outcome = run(engine)
        client.snapshot()
        client.submit(StopCommand())
        seen = []
        for change in client.changes(5.0):
            seen.append(change)
            if isinstance(change, StateChange) and change.state.phase == "ended":
                break
        assert any(isinstance(change, EventChange) for change in seen)
        assert isinstance(seen[-1].state, SessionState)
    assert outcome().ok


def test_reading_clients_leave_no_trace_in_the_log(make_engine, make_session, run):
    engine = make_engine(guarded=False, ports=[])
    outcome = run(engine)
    with Client(engine.publish_endpoint, engine.commands_endpoint) as client:
        for _ in range(20):
            client.ping()
            client.snapshot()
            list(client.backfill(1, 5))
            with pytest.raises(ConfigError):
                client.submit({"command": "explode"})
        client.submit(StopCommand())
    done = outcome()
    assert [entry.kind for entry in entries(done.path)] == ["command"]


# --- ways out -----------------------------------------------------------------------------------------------


def safe_is_last(board):
    return board.read(0.1).endswith(b"!") and board.got.count(b"!") == 1


def test_the_board_is_made_safe_at_the_normal_end(make_engine, run, board, wait_for):
    engine = make_engine()
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    engine.submit(StopCommand())
    assert outcome().ok
    assert b"BYE" in board.read()
    assert safe_is_last(board)


def test_its_last_words_are_recorded_and_not_acted_on(make_engine, make_session, run, board, wait_for):
    engine = make_engine(farewell_s=0.5)
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    engine.submit(StopCommand())
    wait_for(lambda: b"!" in board.read())
    board.write(b"valve closed")
    done = outcome()
    assert entries(done.path)[-1].payload == b"valve closed"
    assert b"VALVE" not in board.read()
    assert replayed(done.path, make_session()).inputs == done.inputs


def test_what_was_taken_in_with_the_last_input_is_not_lost(make_engine, run):
    engine = make_engine(guarded=False, ports=[])
    for text in ("a", "b"):
        engine.submit(Note(text=text))
    engine.submit(StopCommand())
    for text in ("c", "d"):
        engine.submit(Note(text=text))
    done = run(engine)()
    assert [entry.seq for entry in entries(done.path)] == [0, 1, 2, 3, 4]


def test_an_exception_in_the_session_is_a_way_out_too(make_engine, make_session, run, board, wait_for):
    engine = make_engine()
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    board.write(b"raise")
    done = outcome()
    assert not done.ok
    assert done.reason == "an unforeseen error ended the session: RuntimeError: this step fails"
    assert "this step fails" in done.trace
    assert safe_is_last(board)
    assert done.reason in [getattr(document, "text", None) for document in documents(done.path)]
    assert "ends in the same error" in replayed(done.path, make_session()).sentence


def test_a_session_that_cannot_start(make_engine, make_session, run):
    class Broken(make_session().__class__):
        def start(self, t_ns):
            raise ValueError("no way to start")

    done = run(make_engine(use=Broken()))()
    assert "no way to start" in done.reason
    assert replayed(done.path, Broken()).inputs == done.inputs == 0


def test_a_write_to_an_unknown_port_is_an_error_of_ours(make_engine, make_session, run, board, wait_for):
    engine = make_engine(use=make_session(port="baord"))
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    board.write(b"x")
    assert "KeyError: 'baord'" in outcome().reason


def test_stop_from_any_thread_ends_it_at_once(make_engine, make_session, run, board, wait_for):
    engine = make_engine()
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    engine.stop("the window was closed")
    done = outcome()
    assert (done.reason, done.ok) == ("the window was closed", False)
    assert safe_is_last(board)
    assert replayed(done.path, make_session()).complete
    with pytest.raises(InboxClosedError):
        engine.submit(StopCommand())


def test_a_pulled_plug_reaches_the_session_and_nothing_breaks(make_engine, run, board, wait_for, monkeypatch):
    monkeypatch.setattr(ports, "REOPEN_S", 0.05)
    engine = make_engine()
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    board.path = "/dev/pts/none"
    board.pull()
    wait_for(lambda: engine.health()["ports"]["board"]["error"] is not None)
    engine.submit(StopCommand())
    done = outcome()
    assert done.ok
    reasons = [entry.payload for entry in entries(done.path) if entry.kind == "port"]
    assert reasons[0] == PORT_OPEN
    assert reasons[1].startswith(b"lost: ")


def test_a_recorder_at_its_end_ends_the_session_safely(make_engine, run, board, wait_for):
    engine = make_engine()
    engine._recorder._limit = 20_000
    outcome = run(engine)
    wait_for(lambda: board.read().count(b".") > 2)
    other = sqlite3.connect(engine.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for n in range(200):
        board.write(b"x" * 100)
        if n % 10 == 0:
            board.read()
        if engine._closing:
            break
        time.sleep(0.005)
    wait_for(lambda: engine._closing)
    board.read()
    other.execute("ROLLBACK")
    other.close()
    done = outcome()
    assert not done.ok
    assert "cannot be written (database is locked)" in done.reason
    assert done.unstored == 0  # the file could be written again before it was given up
    assert any("kept in memory" in problem for problem in done.problems)
    assert b"!" in board.read(0.1)


def test_an_engine_runs_once(make_engine, run):
    engine = make_engine(guarded=False, ports=[])
    outcome = run(engine)
    engine.submit(StopCommand())
    outcome()
    with pytest.raises(RuntimeError, match="runs once"):
        engine.run()


def test_an_engine_that_never_ran_closes_everything(make_engine):
    make_engine().close()


def test_meta_that_is_no_json(make_engine, tmp_path, session):
    with pytest.raises(ConfigError, match="cannot be written as JSON"):
        Engine(session, meta={"x": object()}, out=tmp_path, subject="m1")


# --- signals ----------------------------------------------------------------------------------------------


class Stubborn:
    """Notes commands and never ends."""

    def __init__(self):
        self.commands = []

    def start(self, t_ns):
        return []

    def step(self, entry):
        if entry.kind == "command":
            self.commands.append((entry.source, entry.payload))
        return []


def kill_after(seconds, *numbers):
    def kill():
        for number in numbers:
            time.sleep(seconds)
            os.kill(os.getpid(), number)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_the_session_to_stop(make_engine, number):
    engine = make_engine(guarded=False, ports=[])
    before = signal.getsignal(number)
    thread = kill_after(0.05, number)
    done = engine.run(handle_signals=True)
    thread.join()
    assert done.ok
    assert [entry.payload for entry in entries(done.path)] == [b'{"command":"stop"}']
    assert signal.getsignal(number) is before


def test_the_second_is_an_emergency_stop_and_the_third_ends_it_at_once(make_engine, board, wait_for):
    stubborn = Stubborn()
    engine = make_engine(use=stubborn)
    thread = kill_after(0.15, signal.SIGINT, signal.SIGINT, signal.SIGTERM)
    done = engine.run(handle_signals=True)
    thread.join()
    assert (done.reason, done.ok) == ("ended at once by the operator", False)
    assert [payload for _, payload in stubborn.commands] == [
        b'{"command":"stop"}', b'{"command":"emergency_stop"}',
    ]  # fmt: skip
    assert board.read(0.1).count(b"!") == 2  # the panic, and the way out


def test_an_emergency_stop_comes_before_what_the_board_says_to_it(make_engine, board, wait_for):
    class Slow(Stubborn):
        """Is still busy with the first signal when the board has answered the second."""

        def step(self, entry):
            super().step(entry)
            if entry.kind == "bytes":
                self.commands.append((entry.source, entry.payload))
                return [Halt("the board ended the trial")]
            if len(self.commands) == 1 and entry.kind == "command":
                os.kill(os.getpid(), signal.SIGINT)
                wait_for(lambda: b"!" in board.read(0.01))
                board.write(b"stopped")
                wait_for(lambda: any(port["bytes_in"] for port in engine.health()["ports"].values()))
            return []

    slow = Slow()
    engine = make_engine(use=slow)
    thread = kill_after(0.15, signal.SIGINT)
    engine.run(handle_signals=True)
    thread.join()
    assert [payload for _, payload in slow.commands] == [
        b'{"command":"stop"}', b'{"command":"emergency_stop"}', b"stopped",
    ]  # fmt: skip


# --- replay of real files ----------------------------------------------------------------------------------


@pytest.fixture
def recorded(make_engine, run, board, wait_for):
    engine = make_engine(guarded=False, truth=lambda: b"the truth")
    outcome = run(engine)
    wait_for(lambda: engine.health()["ports"]["board"]["open"])
    for n in range(5):
        board.write(b"hello %d" % n)
        wait_for(lambda n=n: board.read().endswith(b"HELLO %d" % n))
    board.write(b"halt")
    return outcome().path


def test_the_truth_is_the_last_record(recorded, make_session):
    last = entries(recorded)[-1]
    assert (last.source, last.kind, last.payload) == ("animal", "truth", b"the truth")
    assert replayed(recorded, make_session()).complete


def change(path, statement, *values):
    db = sqlite3.connect(path)
    db.execute(statement, values)
    db.commit()
    db.close()


def test_a_byte_flipped_in_the_file_is_named_wherever_it_lies(recorded, make_session):
    for entry in entries(recorded):
        for at in range(len(entry.payload)):
            flipped = bytearray(entry.payload)
            flipped[at] ^= 0x20
            statement = "UPDATE inputs SET payload = ?, crc32 = ? WHERE seq = ?"
            change(recorded, statement, bytes(flipped), zlib.crc32(flipped), entry.seq)
            with pytest.raises(ReplayMismatch, match=f"record {entry.seq} was changed") as caught:
                replayed(recorded, make_session())
            assert caught.value.seq == entry.seq
            change(recorded, statement, entry.payload, zlib.crc32(entry.payload), entry.seq)
    assert replayed(recorded, make_session()).complete


def test_a_changed_seed_or_version_in_the_file_is_caught(recorded, make_session):
    change(recorded, "UPDATE meta SET value = '8' WHERE key = 'seed'")
    with pytest.raises(ReplayMismatch, match="starts differently"):
        replayed(recorded, make_session())


def test_a_file_cut_short_is_verified_as_far_as_it_goes(recorded, make_session):
    change(recorded, "DELETE FROM meta WHERE key = 'end'")
    change(recorded, "DELETE FROM inputs WHERE seq > 3")
    outcome = replayed(recorded, make_session())
    assert "verified to record 3, effects to record 2" in outcome.sentence
    change(recorded, "UPDATE inputs SET payload = x'00', crc32 = ? WHERE seq = 3", zlib.crc32(b"\0"))
    with pytest.raises(ReplayMismatch, match="record 3 was changed"):
        replayed(recorded, make_session())


def test_the_figures_of_a_run(make_engine, make_session, run, board):
    class Busy(make_session().__class__):
        def step(self, entry):
            return [Write("board", b"x")] if entry.kind != "command" else [Halt("done", True)]

    engine = make_engine(use=Busy(), guarded=False)
    for n in range(2000):
        engine.inbox.put("board", "bytes", b"x" * (n % 50))
    engine.submit(StopCommand())
    done = run(engine)()
    assert done.engine_time.count == done.session_time.count == done.inputs
    assert 0 < done.engine_time.p50_us < 300
