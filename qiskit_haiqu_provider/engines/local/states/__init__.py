"""Statevectors of a circuit for many parameter sets at once, in numpy."""
