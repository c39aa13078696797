"""IonQ, reached straight through its API v0.4.

IonQ's own client, qiskit-ionq, is not used. It sends a submission up to five times, although IonQ would bill each, asks
for results without an end while the service is away, reads a file in the working directory, and asks the network when a
backend is made. What would remain of it, the translation of twenty-odd gates, is a table (:mod:`.circuits`). The tests
play a service that this client accepts, and have it read jobs that were sent from here.
"""
