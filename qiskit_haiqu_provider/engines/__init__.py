"""Where runs execute. Each engine is one room behind the protocol of :mod:`~qiskit_haiqu_provider.engines.base`."""
