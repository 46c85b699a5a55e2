"""Meet the Harp devices beside a board, without a session: nothing is written but their mode."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console

from rig.description import HarpConfig
from rig.device import Auxiliary
from rig.errors import TransportError
from rig.events import DeviceReady, LinkLost, RegisterTold
from rig.runtime import plugins
from rig.runtime.ports import Transport

HELLO_S = 5.0
TURN_S = 0.02


def met(config: HarpConfig, watch_s: float, console: Console) -> bool:
    """Say who answers on a device's port; return whether it is the right one.

    Parameters
    ----------
    watch_s
        Look for so long at what it sends by itself.

    Raises
    ------
    ConfigError
        If there is no description of such a device, or the rig file asks for what it has not.
    """
    device: Auxiliary = plugins.find("harp_device", config.driver)(config)
    try:
        transport: Transport = plugins.find("transport", "default")(config.port, config.baud)
    except TransportError as error:
        _say(console, config, str(error), bad=True)
        return False
    try:
        return _greet(config, device, transport, watch_s, console)
    except TransportError as error:
        _say(console, config, str(error), bad=True)
        return False
    finally:
        transport.close()


def _greet(
    config: HarpConfig, device: Auxiliary, transport: Transport, watch_s: float, console: Console
) -> bool:
    device.connect(time.monotonic_ns())
    until = time.monotonic() + HELLO_S
    there = False
    others: Counter[str] = Counter()  # not asked for in the rig file: only counted
    while time.monotonic() < until:
        out = device.outgoing()
        if out:
            transport.write(out)
        data, now_ns = transport.read(TURN_S), time.monotonic_ns()
        for event in [*device.feed(data, now_ns), *device.idle(now_ns)]:
            match event:
                case DeviceReady():
                    there, until = True, time.monotonic() + watch_s
                    _say(console, config, f"{event.name}, firmware {event.firmware}, on {config.port}")
                case LinkLost():
                    _say(console, config, event.reason, bad=True)
                    return False
                case RegisterTold() if event.register in config.events:
                    _say(console, config, f"{event.stamp_us / 1e6:.6f} s  {event.register} {event.value!r}")
                case RegisterTold() if event.register != "Heartbeat":
                    others[event.register] += 1
                case _:
                    pass
    if others:
        counts = ", ".join(f"{register} {count} times" for register, count in others.items())
        _say(console, config, f"it also sends {counts}")
    if not there:
        _say(console, config, f"nothing on '{config.port}' answers as {config.device}", bad=True)
    return there


def _say(console: Console, config: HarpConfig, text: str, *, bad: bool = False) -> None:
    console.print(f"{config.name}: {text}", style="red" if bad else None, soft_wrap=True, highlight=False)
