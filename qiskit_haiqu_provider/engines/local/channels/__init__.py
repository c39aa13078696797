"""Density matrices with noise, evolved in the Pauli basis: exact outcome probabilities of noisy circuits."""
