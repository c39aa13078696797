"""The command ``qiskit-haiqu``."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from qiskit_haiqu_provider.engines.direct.ways import WAYS
from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.version import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows the name of the command. Default: those of the process.

    Returns:
        The exit code: 0; 1 after an error that was shown, or if something does not work; 130 after Ctrl-C.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        room = import_module(f"qiskit_haiqu_provider.{chosen.room}")
    except ImportError as error:
        sys.stderr.write(f"{error.name} is not installed. Run: pip install 'qiskit-haiqu-provider[gateway,mcp]'\n")
        return 1
    try:
        code = getattr(room, chosen.run)(chosen)
    except HaiquError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:  # the usual way to stop a gateway
        return 130
    return int(code or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qiskit-haiqu", description="Haiqu from this machine, and a gateway of your own."
    )
    parser.set_defaults(room="gateway.commands")  # an extra; the commands that need it not name another room
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True)
    serve = commands.add_parser("serve", help="start the gateway")
    serve.set_defaults(run="serve")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=int, default=8080, help="port to listen on (default: %(default)s)")
    serve.add_argument("--workers", type=int, default=None, help="processes that run jobs (default: one per core)")
    serve.add_argument("--rate-limit", default=None, help="requests of a key, as in 6000/minute; 'none' for no limit")
    serve.add_argument(
        "--vendor",
        action="append",
        default=[],
        choices=[way.via for way in WAYS],
        help="offer the devices of a vendor, too; may be given several times. Jobs without credentials of their own "
        "are paid by the accounts of this server (default: none)",
    )
    _add_database(serve)
    keys = commands.add_parser("keys", help="make, list and revoke keys").add_subparsers(required=True)
    create = keys.add_parser("create", help="make a key; it is shown once")
    create.set_defaults(run="create_key")
    create.add_argument("--user", required=True, help="name of the user; made if new")
    create.add_argument("--email", default="", help="address of a new user")
    create.add_argument("--label", default="", help="what the key is for")
    _add_database(create)
    listing = keys.add_parser("list", help="list keys, without the keys themselves")
    listing.set_defaults(run="list_keys")
    _add_database(listing)
    revoke = keys.add_parser("revoke", help="make a key invalid")
    revoke.set_defaults(run="revoke_key")
    revoke.add_argument("id", type=int, help="number of the key, from: qiskit-haiqu keys list")
    _add_database(revoke)
    mcp = commands.add_parser("mcp", help="serve the tools for AI agents on standard input and output")
    mcp.set_defaults(run="serve_mcp")
    mcp.add_argument("--url", default=None, help="a running gateway; its key is read from HAIQU_API_KEY")
    _add_database(mcp)
    doctor = commands.add_parser("doctor", help="tell what works from here, and what is missing")
    doctor.set_defaults(room="doctor", run="doctor")
    doctor.add_argument("--account", default=None, help="name of a saved account (default: as without a name)")
    return parser


def _add_database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--database",
        default=None,
        metavar="URL",
        help="sqlite:///path or postgresql://user:password@host/name (default: HAIQU_DATABASE, else a private file)",
    )


if __name__ == "__main__":
    sys.exit(main())
