"""Keys for clients on other computers: who may connect to an engine, and what they may do there.

Connections are encrypted and both ends proven by CURVE (ZeroMQ's own: http://curvezmq.org). An engine has a
*ring*, a folder with its secret key and the public keys of its clients; each client has one *key file*. Both
are TOML text. A secret is readable by its owner only, and never leaves the file it stands in: a ring knows
its clients' public keys, not their secrets.

Without a ring an engine listens on this computer only, and everybody on it may operate it.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Final, Literal, TypeVar

import msgspec
import zmq

from rig.errors import ConfigError
from rig.runtime.toml_text import toml_text

Role = Literal["watch", "operate"]
_T = TypeVar("_T")
ENGINE_FILE: Final = "engine.key"
CLIENTS_FILE: Final = "clients.toml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_Z85: Final = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what stands in the files."""


class EngineKey(_Part, frozen=True, kw_only=True):
    """The engine's own pair of keys, as 40 characters of Z85 each."""

    public: str
    secret: str


class KnownClient(_Part, frozen=True, kw_only=True):
    """A client that may connect."""

    public: str
    role: Role


class ClientKey(_Part, frozen=True, kw_only=True):
    """What a client needs to connect: its own pair of keys, and the engine's public one."""

    name: str
    role: Role
    public: str
    secret: str
    engine: str

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        """Make a client's socket use this key; before it connects."""
        socket.curve_publickey = self.public.encode()
        socket.curve_secretkey = self.secret.encode()
        socket.curve_serverkey = self.engine.encode()


class Ring(_Part, frozen=True, kw_only=True):
    """An engine's keys and its clients, by name."""

    engine: EngineKey
    clients: dict[str, KnownClient]

    def role_of(self, public: str) -> Role | None:
        """Return what the client with this public key may do; None: it is not known."""
        return next((client.role for client in self.clients.values() if client.public == public), None)

    def with_client(self, name: str, role: Role) -> tuple[Ring, ClientKey]:
        """Return the ring with one more client, and that client's key; nothing is written.

        Raises
        ------
        ConfigError
            If the name is taken or cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"'{name}' is no name for a client; use letters, digits, '-', '_' and '.'")
        if name in self.clients:
            raise ConfigError(f"there is already a client '{name}'; remove it first, or choose another name")
        public, secret = (part.decode() for part in zmq.curve_keypair())
        known = {**self.clients, name: KnownClient(public=public, role=role)}
        key = ClientKey(name=name, role=role, public=public, secret=secret, engine=self.engine.public)
        return Ring(engine=self.engine, clients=known), key


def new_ring(folder: Path) -> Ring:
    """Make an engine's keys in `folder`.

    Raises
    ------
    ConfigError
        If there are keys already, or the folder cannot be written.
    """
    if (folder / ENGINE_FILE).exists():
        raise ConfigError("there are keys in it already; `dopaloop keys add` lets clients in", str(folder))
    public, secret = (part.decode() for part in zmq.curve_keypair())
    ring = Ring(engine=EngineKey(public=public, secret=secret), clients={})
    _make(folder)
    _write(folder / ENGINE_FILE, {"public": public, "secret": secret}, new=True)
    write_clients(folder, ring)
    return ring


def read_ring(folder: Path) -> Ring:
    """Read an engine's keys.

    Raises
    ------
    ConfigError
        If there are none, they cannot be read, or others than their owner can read the secret.
    """
    engine = _read(folder / ENGINE_FILE, EngineKey)
    clients = _read(folder / CLIENTS_FILE, dict[str, KnownClient])
    for public in (engine.public, engine.secret, *(client.public for client in clients.values())):
        _check(public, folder)
    return Ring(engine=engine, clients=clients)


def write_clients(folder: Path, ring: Ring) -> None:
    """Write who may connect.

    Raises
    ------
    ConfigError
        If the file cannot be written.
    """
    _write(folder / CLIENTS_FILE, {name: msgspec.to_builtins(one) for name, one in ring.clients.items()})


def read_client(path: Path) -> ClientKey:
    """Read a client's key file.

    Raises
    ------
    ConfigError
        If it cannot be read, or is none.
    """
    key = _read(path, ClientKey)
    for part in (key.public, key.secret, key.engine):
        _check(part, path)
    return key


def write_client(path: Path, key: ClientKey) -> None:
    """Write a client's key file, readable by its owner only.

    Raises
    ------
    ConfigError
        If the file is there already, or cannot be written.
    """
    _write(path, msgspec.to_builtins(key), new=True)


def _check(key: str, where: Path) -> None:
    if not _Z85.fullmatch(key):
        raise ConfigError("a key in it is damaged: a key has 40 characters", str(where))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot be made ({error.strerror or error})", str(folder)) from None


def _write(path: Path, values: dict[str, object], *, new: bool = False) -> None:
    """Write whole or not at all, and never readable by others, not even for a moment."""
    if new and path.exists():
        raise ConfigError("is there already; it is not overwritten: a key cannot be had again", str(path))
    part = path.with_name(f".{path.name}.new")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(toml_text(values))
        part.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot be written ({error.strerror or error})", str(path)) from None


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        text = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"cannot be read ({error.strerror or error})", str(path)) from None
    except UnicodeDecodeError:
        raise ConfigError("is no key file", str(path)) from None
    if os.name == "posix" and mode & 0o077 and path.name != CLIENTS_FILE:
        raise ConfigError("holds a secret that others can read; run `chmod 600` on it", str(path))
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ConfigError(f"is no key file ({error})", str(path)) from None
