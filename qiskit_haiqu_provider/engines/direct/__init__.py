"""Runs straight at a vendor: what all vendors share. Each vendor is one room behind :mod:`.port`."""
