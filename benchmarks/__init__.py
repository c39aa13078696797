"""Benchmarks: our primitives next to those of Qiskit and Aer, and the best one can write by hand.

Run ``python -m benchmarks`` from the root of the repository; ``--help`` lists the options.
"""
