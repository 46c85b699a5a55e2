"""The `dopaloop` command: every sub-command, and the one place that turns errors into sentences."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from rig.cli.analyze import analyze
from rig.cli.calibrate import calibrate
from rig.cli.correct import correct
from rig.cli.demo import demo
from rig.cli.devices import devices
from rig.cli.emulate import emulate
from rig.cli.flush import flush
from rig.cli.gui import gui
from rig.cli.inspect import inspect_session
from rig.cli.keys import app as keys
from rig.cli.replay import replay_session
from rig.cli.report import report
from rig.cli.run import run
from rig.cli.screenshot import screenshot
from rig.cli.simulate import simulate
from rig.cli.tags import tag
from rig.cli.weigh import weigh
from rig.errors import DopaloopError

app = typer.Typer(
    name="dopaloop",
    help="Run cue and reward protocols; watch each dopamine neuron's reversal point while the mouse works.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(run)
app.command()(gui)
app.command()(emulate)
app.command()(simulate)
app.command()(screenshot)
app.command("replay")(replay_session)
app.command("inspect")(inspect_session)
app.command()(analyze)
app.command()(report)
app.command()(devices)
app.command()(flush)
app.command()(weigh)
app.command()(calibrate)
app.command()(correct)
app.command()(tag)
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command line; no traceback reaches a user unless ``DOPALOOP_DEBUG`` is set."""
    errors = Console(stderr=True, soft_wrap=True)
    try:
        app()
    except DopaloopError as error:
        errors.print(f"dopaloop: {error}", style="red", highlight=False, markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("dopaloop: interrupted")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (as in `dopaloop inspect FILE | head`): nothing to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"'{error.filename}': {reason}" if error.filename else reason
        errors.print(f"dopaloop: {text}", style="red", highlight=False, markup=False)
        sys.exit(2)
    except Exception as error:  # the last line of defence
        if os.environ.get("DOPALOOP_DEBUG"):
            raise
        errors.print(
            f"dopaloop: an error of our own, {type(error).__name__}: {error}. "
            "Please report it; DOPALOOP_DEBUG=1 shows the details.",
            style="red",
            highlight=False,
            markup=False,
        )
        sys.exit(3)
