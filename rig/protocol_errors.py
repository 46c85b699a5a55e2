"""A protocol is somebody's code. When it fails, say in one sentence what and where."""

from __future__ import annotations


def explain(error: Exception, protocol: str) -> str:
    """Return one sentence that names the protocol, the error, and the last line of user code."""
    trace = error.__traceback__
    where = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        where = f" in {code.co_filename}, line {trace.tb_lineno} ({code.co_name})"
        trace = trace.tb_next
    return f"protocol '{protocol}' failed{where}: {type(error).__name__}: {error}"
