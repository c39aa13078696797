"""Options of runs and primitives."""
