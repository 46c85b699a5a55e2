"""The raw REPL, against what a real MicroPython answered (1.9.2 on a micro:bit image in QEMU)."""

from __future__ import annotations

import pytest

from drivers.pyphotometry.board_repl import BoardRepl
from drivers.pyphotometry.repl import Answer, RawRepl, Refused, Started

MS = 1_000_000

# sent, answered: one conversation as it was recorded
TRANSCRIPT = [
    (b"\xff", b""),
    (b"\r\x03\x03", b"\r\n>>> \r\n>>> \r\n>>> "),
    (b"\r\x01", b"\r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>"),
    (b"\x04", b"OK\r\nsoft reboot\r\nraw REPL; CTRL-B to exit\r\n>"),
    (
        b"import photometry_upy\x04",
        b'OK\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
        b"ImportError: no module named 'photometry_upy'\r\n\x04>",
    ),
    (
        b"p.start(1)\x04",
        b'OK\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
        b"NameError: name 'p' is not defined\r\n\x04>",
    ),
    (b"\x05A\x01", b"raw REPL; CTRL-B to exit\r\n>"),
]
PRINTED = b"OK2\r\n\x04\x04>"
SILENT = b"OK\x04\x04>"
KEYBOARD = (
    b'\x04Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'
    b"KeyboardInterrupt: \r\n\x04>"
)


def refuse(method, arguments):
    raise AssertionError(f"{method} was called with {arguments}")


def test_an_emulated_board_answers_as_the_real_one_did():
    board = BoardRepl(refuse, 1, firmware=False)
    for sent, answered in TRANSCRIPT:
        assert b"".join(board.key(sent[at : at + 1]) for at in range(len(sent))) == answered, sent


def talk(commands, answers):
    """Run a conversation: `answers` is what the board says to each thing written, in order."""
    repl = RawRepl(commands, 0)
    told, t_ns, wrote = [], 0, []
    left = list(answers)
    for _ in range(100):
        out = repl.outgoing()
        if out:
            wrote.append(out)
            if left:
                told += repl.feed(left.pop(0), t_ns)
            continue
        if any(isinstance(one, (Refused, Started)) for one in told):
            break
        t_ns = max(t_ns, repl.deadline_ns())
        told += repl.idle(t_ns)
    return told, wrote


HELLO = [answer for _, answer in TRANSCRIPT[:4]]


def test_the_hello_says_what_the_real_board_understood():
    told, wrote = talk(["print(1+1)", "x = 1", "run()"], [*HELLO, PRINTED, SILENT, b"OK\x07\x01"])
    assert wrote == [
        b"\xff",
        b"\r\x03\x03",
        b"\r\x01",
        b"\x04",
        b"print(1+1)\x04",
        b"x = 1\x04",
        b"run()\x04",
    ]
    assert told == [Answer("print(1+1)", "2\r\n", ""), Answer("x = 1", "", ""), Started(b"\x07\x01")]


def test_an_error_is_given_as_the_board_told_it():
    told, _ = talk(["import photometry_upy", "x"], [*HELLO, TRANSCRIPT[4][1]])
    assert told[0].error.splitlines()[-1] == "ImportError: no module named 'photometry_upy'"
    assert told[0].output == ""


def test_an_interrupted_program_is_told_as_an_error():
    told, _ = talk(["run()", "x"], [*HELLO, b"OK" + KEYBOARD])
    assert "KeyboardInterrupt" in told[0].error


def test_answers_may_come_byte_by_byte():
    repl = RawRepl(["print(1+1)", "run()"], 0)
    told = []
    for t_ns, answer in enumerate([*HELLO, PRINTED, b"OK"]):
        repl.idle(max(repl.deadline_ns(), t_ns) if answer in HELLO[:2] else t_ns)
        repl.outgoing()
        for at in range(len(answer)):
            told += repl.feed(answer[at : at + 1], repl.deadline_ns() - 1)
        if answer in HELLO[:2]:
            repl.idle(repl.deadline_ns())
    assert told == [Answer("print(1+1)", "2\r\n", ""), Started(b"")]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([b"", b"", b""], "no answer to the raw REPL"),
        ([*HELLO[:3], b"x" * 70_000], "not as MicroPython"),
        ([*HELLO, b"raw REPL; CTRL-B"], "was not taken"),
        ([*HELLO, b"OK" + b"x" * 70_000], "no end of the reply"),
        ([*HELLO], "no answer to go"),
    ],
)
def test_whatever_else_talks_there_is_refused_with_a_reason(answers, why):
    told, _ = talk(["go", "run()"], answers)
    assert why in told[-1].reason


def test_long_sources_go_out_in_pieces_with_a_pause():
    long = "x = '" + "y" * 700 + "'"
    repl = RawRepl([long, "run()"], 0)
    for answer in HELLO:
        repl.outgoing()
        if answer in HELLO[:2]:
            repl.idle(repl.deadline_ns())
        else:
            repl.feed(answer, repl.deadline_ns() - 1)
    pieces, pauses = [], []
    for _ in range(3):
        pieces.append(repl.outgoing())
        before = repl.deadline_ns()
        repl.idle(before)
        pauses.append(repl.deadline_ns() - before)
    assert b"".join(pieces) == long.encode() + b"\x04"
    assert [len(piece) for piece in pieces] == [256, 256, 194 + 1]
    assert pauses[0] == 10 * MS
