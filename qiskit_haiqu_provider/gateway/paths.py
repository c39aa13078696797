"""Texts that become a part of an address."""

from urllib.parse import quote


def segment(text: str) -> str:
    """The text as one part of a path, whatever is in it."""
    quoted = quote(text, safe="", errors="replace")
    return quoted if text.strip(".") else quoted.replace(".", "%2E")  # dots alone would lead elsewhere
