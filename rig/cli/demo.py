"""`dopaloop demo`: a whole closed loop on an emulated rig, from one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.cli.display import estimates_table, reversal_words
from rig.cli.plans import make_plan
from rig.cli.rigs import Farewell, demo_rig, launch, with_emulation
from rig.cli.sitting import run_session, tell
from rig.cli.tags import light_truth, show_tags
from rig.cli.truth import scores, scores_table, truth_from
from rig.sim.training import trained_on

PROTOCOL = "variable_magnitude"


def demo(
    protocol: Annotated[
        str, typer.Option(help="A built-in protocol's name, or a .py file; the animal was trained on it.")
    ] = PROTOCOL,
    trials: Annotated[int, typer.Option(min=1, max=500, help="How many trials.")] = 300,
    speed: Annotated[float, typer.Option(min=0.1, help="Ceiling of rig time per wall time.")] = 30.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the schedule and of the animal.")] = 1,
    units: Annotated[int, typer.Option(min=0, max=1024, help="Simulated dopamine units.")] = 40,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the session file.")] = Path("sessions"),
    fibre: Annotated[bool, typer.Option("--fibre", help="With a photometry fibre.")] = False,
    no_gui: Annotated[bool, typer.Option("--no-gui", help="No window.")] = False,
) -> None:
    """Run a protocol on an emulated rig, and see how it goes.

    At the end the estimates are compared with the animal's truth.
    """
    console = Console()
    left: list[Farewell] = []
    console.print(
        f"an emulated rig with {units} dopamine units, at up to {speed:g} times real time", highlight=False
    )
    rig = with_emulation(demo_rig(fibre=fibre), units=units, seed=seed)
    trained = make_plan(protocol, rig, subject="demo", seed=seed, trials=trials, settings={}).protocol
    with launch(trained_on(rig, trained), speed=speed) as process:

        def reveal() -> bytes | None:
            # The animal tells the truth only now, after the last trial; nothing in the session reads it.
            left.append(process.stop())
            return left[0].truth

        plan = make_plan(protocol, process.rig, subject="demo", seed=seed, trials=trials, settings={})
        outcome, session = run_session(plan, out, console, window=not no_gui, truth=reveal)
    estimates = session.reckoning.estimates
    about = plan.protocol.reversal_conditions
    if estimates and about != ():
        console.print(estimates_table(estimates, session.reckoning.sizes_ul))
    if estimates and about is not None:
        console.print(reversal_words(about), highlight=False)
    book = session.reckoning.tags.book
    if book.units:
        show_tags(console, book.view(), book.confirmations, light_truth(left[0].truth) if left else {})
    if left:
        known, _ = truth_from(left[0].truth, session.reckoning.epoch)
        told = scores(estimates, known)
        if told:
            console.print(scores_table(told))
        if left[0].reached:
            console.print(f"the rig ran at {left[0].reached:.1f} times real time", highlight=False)
    tell(outcome, console)
    if not outcome.ok:
        raise typer.Exit(1)
    console.print(f"next: dopaloop replay {outcome.path}", highlight=False, markup=False, soft_wrap=True)
