"""The composition root's door: `dopaloop` and `python -m rig`."""

from rig.cli.app import main

if __name__ == "__main__":
    main()
