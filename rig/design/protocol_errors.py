"""A protocol is somebody's code. When it fails, say in one sentence what and where."""

from __future__ import annotations


def explain(error: Exception, protocol: str, module: str | None = None) -> str:
    """Return one sentence that names the protocol, the error, and the last line of the protocol's own.

    Parameters
    ----------
    module
        Where the protocol's class is from. An error that comes up deeper (in numpy, in ours) was caused
        by a line of its own, and that is the one its author can mend.
    """
    trace = error.__traceback__
    where = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if module is None or trace.tb_frame.f_globals.get("__name__") == module:
            where = f" in {code.co_filename}, line {trace.tb_lineno} ({code.co_name})"
        trace = trace.tb_next
    text = f": {error}" if str(error) else ""
    return f"protocol '{protocol}' failed{where}: {type(error).__name__}{text}"
