"""The local engine: exact kernels and Qiskit Aer on this machine, or on the workers of an executor."""
