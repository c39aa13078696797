"""The vocabulary of a run: what is asked (request), what came back (result), and the way between.

Nothing here knows a vendor, a network or a disk.
"""
