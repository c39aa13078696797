"""Recognisable secrets, and the search for them wherever a person, a log or a file could show them."""

import base64
import contextlib
import html
import io
import json
import logging
import pickle
import traceback
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from qiskit_haiqu_provider.secret import Secret

KEY = "haiqu/key+of=ada&0815"
CREDENTIALS = {
    "ibm_quantum_token": "ibm token, 'quoted' \"twice\" & <more>",
    "ibm_quantum_instance": "crn:v1:ibm-instance/2342",
    "aws_access_key_id": "AKIA+OF+AWS/3141",
    "aws_secret_access_key": "aws/secret+access=5926",
    "aws_session_token": "aws-session-token-5358",
    "ionq_api_key": "ionq-api-key-9793",
    "iqm_token": "iqm-token-2384",
}
VENDORS = {
    "ibm": ("ibm_quantum_token", "ibm_quantum_instance"),
    "aws": ("aws_access_key_id", "aws_secret_access_key", "aws_session_token"),
    "ionq": ("ionq_api_key",),
    "iqm": ("iqm_token",),
}


def _forms(text):
    escaped = json.dumps(text)[1:-1]
    coded = base64.b64encode(text.encode()).decode()
    return {
        text,
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
        html.escape(text),
        escaped,
        repr(text)[1:-1],
        coded,
    }


SECRETS = sorted({form for text in (KEY, *CREDENTIALS.values()) for form in _forms(text)})
"""The secrets as they are, and in every form in which they may travel."""


def secrets_in(text):
    """The secrets that a text shows."""
    return [secret for secret in SECRETS if secret in text]


def looked_at(thing):
    """A thing as people and programs look at it."""
    return "\n".join([repr(thing), str(thing), f"{thing}", repr(getattr(thing, "__dict__", ""))])


def shown(error):
    """An error in every way in which it can be looked at, with all errors that hang on it."""
    chain, texts = [error], []
    for one in chain:
        chain += [more for more in (one.__cause__, one.__context__) if more is not None and more not in chain]
        texts += [*traceback.format_exception(one, chain=False), *_locals(one), looked_at(one), repr(pickle.dumps(one))]
    return "\n".join(texts)


def _locals(error):
    """The values in the frames that an error went through, as a traceback shows them.

    The frames of the tests hold what they give, as those of any user do. Ours must show nothing.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "/tests/" not in frame.f_code.co_filename:
            for name, value in frame.f_locals.items():
                yield f"{name}={_as_shown(value)}"


def _as_shown(value):
    try:
        return repr(value)
    except AttributeError:  # its constructor is one of the frames
        return object.__repr__(value)


def plain_texts(root):
    """All texts that can be reached from an object of ours, but for those that are kept as secrets."""
    seen, left = set(), [root]
    while left:
        thing = left.pop()
        if isinstance(thing, (str, bytes)):
            yield thing if isinstance(thing, str) else thing.decode("latin-1")
        elif id(thing) not in seen and not isinstance(thing, (Secret, type)):
            seen.add(id(thing))
            left += _parts(thing)


def _parts(thing):
    if isinstance(thing, Mapping):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, (list, tuple, set, frozenset)):
        return list(thing)
    if not type(thing).__module__.startswith(("qiskit_haiqu_provider", "httpx", "httpcore", "h11", "pydantic")):
        return []
    slots = [getattr(thing, name, None) for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*slots, *getattr(thing, "__dict__", {}).values()]


@contextlib.contextmanager
def all_logs():
    """Everything that is logged, by all libraries and at every level."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    root.addHandler(handler)
    root.setLevel(1)
    try:
        yield stream
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def files_with_secrets(home):
    """The files in a folder that show a secret, but for that of accounts, whose purpose it is."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "accounts.json"]
    return {path.name: found for path in files if (found := secrets_in(path.read_bytes().decode("latin-1")))}
