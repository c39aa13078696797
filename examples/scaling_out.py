"""Share a sweep out to Dask workers. Needs the extra ``dask``."""

import numpy as np
from distributed import Client, LocalCluster
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider


def main() -> None:
    circuit = efficient_su2(10, reps=2)
    energy = SparsePauliOp.from_sparse_list([("ZZ", [q, q + 1], -1.0) for q in range(9)], num_qubits=10)
    values = np.random.default_rng(7).uniform(0, np.pi, (200, circuit.num_parameters))
    pub, options = (circuit, energy, values), {"seed_simulator": 7}

    alone = EstimatorV2(HaiquProvider().get_backend(), options=options).run([pub]).result()[0].data.evs

    # Any Dask client will do; this one starts two workers on this machine.
    workers = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with workers as cluster, Client(cluster) as client:
        backend = HaiquProvider(executor=client).get_backend()
        shared = EstimatorV2(backend, options=options).run([pub]).result()[0].data.evs

    print(f"{len(values)} parameter sets on 2 workers, lowest energy {shared.min():.3f}")
    print(f"the same as without workers: {np.array_equal(shared, alone)}")


if __name__ == "__main__":  # the workers import this file
    main()
