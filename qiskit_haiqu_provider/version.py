"""The version of the package; a module of its own, so that it costs nothing to know it."""

__version__ = "0.1.0"
