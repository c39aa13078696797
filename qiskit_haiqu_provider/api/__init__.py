"""The Haiqu REST interface. Knows nothing of Qiskit."""
