"""`dopaloop simulate`: the same session in virtual time, no port, no socket, no waiting."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
import typer
from rich.console import Console

from rig.checks.preflight import preflight
from rig.cli.display import SessionDisplay, estimates_table, reversal_words
from rig.cli.plans import make_plan, settings_from
from rig.cli.population_words import population_lines
from rig.cli.rigs import demo_rig
from rig.cli.tags import light_truth, show_tags
from rig.cli.truth import scores, scores_table, truth_from
from rig.description import Emulation, RigDescription, StreamConfig
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.documents import Document, SessionEnded
from rig.effects import Publish
from rig.errors import ConfigError
from rig.results.report import Report, ReportCounts, Truth, report
from rig.results.session_report import SessionReport
from rig.results.tag_report import TagTruth
from rig.runtime.config import load_rig
from rig.session import Session
from rig.sim.animal import AnimalTruth
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive
from rig.sim.neurons import unit_names
from rig.sim.training import trained_on
from rig.sim.worlds import WORLDS

STREAM = "simulated units"
MOST_TRIALS = 100_000
MODELS = ("distributional", "classical", "quantile")


def simulate(
    protocol: Annotated[str, typer.Argument(help="A built-in protocol's name, or a .py file.")],
    trials: Annotated[int, typer.Option(min=1, max=MOST_TRIALS, help="Stop after so many trials.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the schedule and of the animal.")] = 1,
    units: Annotated[int, typer.Option(min=0, max=4096, help="Simulated dopamine units.")] = 40,
    model: Annotated[str, typer.Option(help="distributional, classical or quantile")] = "distributional",
    world: Annotated[str, typer.Option(help=f"Noise world: {', '.join(WORLDS)}.")] = "poisson",
    delay_line: Annotated[
        bool, typer.Option("--delay-line", help="A value for each half second from a cue to its outcome.")
    ] = False,
    samples: Annotated[
        int, typer.Option(min=0, help="Units that a delay line samples in an update; 0: all.")
    ] = 0,
    rig: Annotated[Path | None, typer.Option(help="Rig file for lines, limits, calibration.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value, a protocol parameter.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the estimates as JSON.")] = False,
) -> None:
    """Run a protocol on a simulated animal in virtual time."""
    if model not in MODELS:
        raise ConfigError(f"there is no model '{model}'; use {', '.join(MODELS[:-1])} or {MODELS[-1]}")
    if world not in WORLDS:
        raise ConfigError(f"there is no world '{world}'; there are {', '.join(WORLDS)}")
    if samples and not delay_line:
        raise ConfigError("--samples says how a delay line learns; give --delay-line too")
    emulation = Emulation(
        units=units,
        seed=seed,
        model=model,  # type: ignore[arg-type]
        world=world,
        delay_line=delay_line,
        samples=samples,
    )
    description = virtual_description(load_rig(rig) if rig else demo_rig(), emulation)
    plan = make_plan(
        protocol,
        description,
        subject="simulated",
        seed=seed,
        trials=trials,
        settings=settings_from(set_ or []),
    )
    preflight(plan, BoardLimits())
    console = Console()
    told = SessionReport()
    outcome = run_virtual(plan, _Both(SessionDisplay(console, quiet=True), told))
    if json:
        typer.echo(msgspec.json.encode(told.report(outcome.truth, outcome.no_truth, outcome.light)).decode())
        return
    about = plan.protocol.reversal_conditions
    if outcome.session.reckoning.estimates and about != ():
        sizes = outcome.session.reckoning.sizes_ul
        console.print(estimates_table(outcome.session.reckoning.estimates, sizes))
    if outcome.session.reckoning.estimates and about is not None:
        console.print(reversal_words(about), highlight=False)
    book = outcome.session.reckoning.tags.book
    if book.units:
        show_tags(console, book.view(), book.confirmations, outcome.light)
    scored = scores(outcome.session.reckoning.estimates, outcome.truth)
    if scored:
        console.print(scores_table(scored))
    view = told.view()
    answered = outcome.session.reckoning.estimates and about != ()
    if view is not None and (answered or view.population.cue_coding is not None):
        for line in population_lines(view.population):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{outcome.ended.reason}; decision digest {outcome.ended.decision_digest}", highlight=False)


class Watcher(Protocol):
    """Whoever wants to see the documents of a simulated session."""

    def show(self, document: Document) -> None:
        """Take a document."""
        ...


@dataclasses.dataclass(frozen=True)
class _Both:
    """Two watchers at once."""

    one: Watcher
    other: Watcher

    def show(self, document: Document) -> None:
        """Hand the document to both."""
        self.one.show(document)
        self.other.show(document)


@dataclasses.dataclass(frozen=True, kw_only=True)
class VirtualOutcome:
    """What came of a simulated session.

    Attributes
    ----------
    truth, no_truth
        What the animal revealed, and why it did not of the other units.
    light
        What it revealed of light.
    report
        The units; the population is not worked out here.
    """

    session: Session
    ended: SessionEnded
    truth: dict[str, Truth]
    no_truth: str
    report: Report
    light: dict[str, TagTruth]


def virtual_description(rig: RigDescription, emulation: Emulation) -> RigDescription:
    """Return the rig with one virtual stream, whose roster is the simulated units; with nothing else."""
    stream = StreamConfig(name=STREAM, data="virtual", roster=unit_names(emulation.units))
    streams = (stream,) if emulation.units else ()
    return msgspec.structs.replace(rig, streams=streams, photometry=(), harp=(), emulation=emulation)


def run_virtual(plan: SessionPlan, display: Watcher | None = None) -> VirtualOutcome:
    """Run a plan on a simulated animal (`plan.rig` from `virtual_description`).

    Raises
    ------
    ConfigError
        If the session ends otherwise than asked, with its reason.
    """
    rig = plan.rig
    virtual = make_virtual_rig(trained_on(rig, plan.protocol))
    names = virtual.animal.units.names
    feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in rig.streams}
    session = Session(plan, DirectBoard(), feeds)
    ended: list[SessionEnded] = []

    def publish(effect: Publish) -> None:
        if isinstance(effect.document, SessionEnded):
            ended.append(effect.document)
        if display is not None:
            display.show(effect.document)

    stream_name = rig.streams[0].name if rig.streams else None
    drive(session, virtual, stream=stream_name, publish=publish)
    if not ended or not ended[0].ok:
        raise ConfigError(ended[0].reason if ended else "the simulation did not end")
    return _outcome(session, ended[0], virtual.animal.truth())


def _outcome(session: Session, ended: SessionEnded, revealed: AnimalTruth) -> VirtualOutcome:
    truth, why = truth_from(revealed.encode(), session.reckoning.epoch)
    counts = ReportCounts(
        trials=session.history.trials,
        rewarded=session.history.rewarded,
        sizes_ul=session.reckoning.sizes_ul,
        utility_axis_hz=session.reckoning.axis_at_sizes_hz,
    )
    told = report(session.reckoning.estimates, counts, truth, no_truth=why)
    light = light_truth(revealed.encode())
    return VirtualOutcome(session=session, ended=ended, truth=truth, no_truth=why, report=told, light=light)
