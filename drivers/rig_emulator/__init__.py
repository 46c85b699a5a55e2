"""An emulated rig: board, recording system and animal in one process, over real ports and sockets."""
