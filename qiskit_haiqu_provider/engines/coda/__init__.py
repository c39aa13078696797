"""Coda of Conductor Quantum: QPUs of several vendors behind one REST API, reached with plain HTTP."""
