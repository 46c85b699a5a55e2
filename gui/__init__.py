"""The desktop window: a client of the headless engine and nothing more.

`client` and `model` know no Qt: messages in, a picture of the session out. `window` and `panels` draw it.
"""
