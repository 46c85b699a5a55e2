"""What holds the firmware to the reference, and measures it: `python -m benchmarks.firmware --help`.

The reference is `rig.machine.core`, which the emulated board runs too. Beside it stand the same C core as
a process of this computer (`firmware/host`), and the whole firmware on an emulated ATmega2560
(`firmware/sim`). All three are given the same tables and the same inputs.
"""
