"""What is asked before the animal is in the rig: of the rig file, the board, the protocol."""
