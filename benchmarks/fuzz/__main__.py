"""Feed every reader damaged input: `python -m benchmarks.fuzz [--inputs N] [READER ...]`.

One line a reader. An input that a reader cannot take as it should is written beside, and the command fails.
With ``--atheris`` one reader is driven by coverage instead (`pip install atheris`).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import resource
import sys
import tempfile
import time
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.fuzz.mutate import Mutator
from benchmarks.fuzz.readers import Reader, readers

SLOW_S = 2.0
ROOM = 2 << 30
"""Memory that a reader may take, beyond what is in use."""


class ReaderFault(Exception):  # noqa: N818 - it is a finding
    """A reader did what none may do."""


def feed(reader: Reader, inputs: int, seed: int, folder: Path) -> tuple[int, float]:
    """Feed a reader; return how many inputs it refused with a sentence, and the slowest in seconds.

    Raises
    ------
    ReaderFault
        With the input that did it, as a file in `folder`.
    """
    mutator = Mutator(reader.corpus(folder), seed, reader.tokens)
    take = reader.make(folder)
    refused, slowest = 0, 0.0
    for number in range(inputs):
        if number and number % reader.fresh == 0:
            take = reader.make(folder)
        data = mutator.next()
        begun = time.thread_time()  # what it costs, however busy the machine is
        try:
            take(data)
        except reader.allowed as error:
            refused += 1
            sentence = str(error)
            if not sentence or len(sentence) > 4000:
                raise _fault(folder, reader, number, data, f"no sentence: {sentence[:80]!r}") from error
        except Exception as error:
            raise _fault(folder, reader, number, data, f"{type(error).__name__}: {error}") from error
        took = time.thread_time() - begun
        slowest = max(slowest, took)
        if took > SLOW_S:
            raise _fault(folder, reader, number, data, f"it took {took:.1f} s")
    return refused, slowest


def _fault(folder: Path, reader: Reader, number: int, data: bytes, what: str) -> ReaderFault:
    path = Path(f"fuzz-{reader.name}-{number}.bin")
    path.write_bytes(data)
    return ReaderFault(f"{reader.name}, input {number} ({path}): {what}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 1 if any reader failed."""
    known = {reader.name: reader for reader in readers()}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(known)}; all if none")
    parser.add_argument("--inputs", type=int, default=10_000, help="of each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--atheris", action="store_true", help="let coverage choose the inputs, for one reader"
    )
    asked = parser.parse_args(arguments)
    chosen = [known[name] for name in asked.readers or known]
    with tempfile.TemporaryDirectory() as folder:
        if asked.atheris:
            return by_coverage(chosen[0], asked.inputs, Path(folder))
        print(
            "| reader | inputs | refused | slowest, ms | inputs/s | |\n| --- | --- | --- | --- | --- | --- |"
        )
        with _limited_memory():
            failed = [
                reader.name for reader in chosen if not _row(reader, asked.inputs, asked.seed, Path(folder))
            ]
    return 1 if failed else 0


def _row(reader: Reader, inputs: int, seed: int, folder: Path) -> bool:
    place = folder / reader.name
    place.mkdir()
    gc.collect()
    begun = time.perf_counter()
    try:
        refused, slowest = feed(reader, inputs, seed, place)
    except ReaderFault as fault:
        print(f"| {reader.what} (`{reader.name}`) | {inputs} | | | | {fault} |", flush=True)
        return False
    rate = inputs / (time.perf_counter() - begun)
    print(
        f"| {reader.what} (`{reader.name}`) | {inputs} | {refused} | {1000 * slowest:.0f} | {rate:.0f} | |",
        flush=True,
    )
    return True


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """What takes memory without end shall fail here, and be found."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def by_coverage(reader: Reader, inputs: int, folder: Path) -> int:
    """Let atheris choose the inputs, by what code they reach."""
    atheris = importlib.import_module("atheris")

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, data in enumerate(reader.corpus(folder)):
        (corpus / str(number)).write_bytes(data)
    take = reader.make(folder)

    def one(data: bytes) -> None:
        try:
            take(data)
        except reader.allowed:
            return

    functions = [thing for thing in gc.get_objects() if isinstance(thing, types.FunctionType)]
    for function in functions:  # ours only: all of them take minutes
        if (function.__module__ or "").startswith(("rig.", "drivers.")):
            atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], str(corpus), f"-runs={inputs}", "-max_len=4096"], one)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
