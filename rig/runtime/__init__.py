"""The one impure corner: ports, sockets, clocks, threads and files around a session that has none."""
