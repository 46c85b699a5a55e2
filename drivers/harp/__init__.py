"""Harp devices beside the board, driven from their own `device.yml`; and an emulator of any of them."""
