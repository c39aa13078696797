"""Runs straight at IBM Quantum, with its own client qiskit-ibm-runtime."""
