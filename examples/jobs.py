"""Jobs: run in the background, wait with a timeout, await several, cancel one, and find one again by its id."""

import asyncio

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2

from qiskit_haiqu_provider import HaiquJob, HaiquJobCancelledError, HaiquJobTimeoutError, HaiquProvider, SamplerV2


def sweep(width: int, sets: int) -> tuple[QuantumCircuit, np.ndarray]:
    circuit = efficient_su2(width, reps=2)
    circuit.measure_all()
    return circuit, np.random.default_rng(7).uniform(0, np.pi, (sets, circuit.num_parameters))


async def gather(jobs: list[HaiquJob]) -> list[int]:
    async def shots(job: HaiquJob) -> int:
        return (await job)[0].data.meas.num_shots

    return await asyncio.gather(*map(shots, jobs))


def main() -> None:
    provider = HaiquProvider()
    sampler = SamplerV2(provider.get_backend(), options={"name": "example", "seed_simulator": 7})

    job = sampler.run([sweep(14, 200)])
    print(f"submitted: {job.status().name}")
    try:
        job.result(timeout=0.01)
    except HaiquJobTimeoutError:
        print(f"no result after 10 ms: {job.status().name}")
    print(f"waited: {job.result()[0].data.meas.shape[0]} parameter sets, {job.status().name}")

    again = HaiquProvider().job(job.job_id())
    print(f"found again: the same shots: {again.result()[0].data.meas == job.result()[0].data.meas}")

    found = asyncio.run(gather([sampler.run([sweep(4, 3)], shots=shots) for shots in (100, 200, 300)]))
    print(f"awaited three at once: shots {found}")

    long = sampler.run([sweep(14, 2000)])
    long.cancel()
    try:
        long.result()
    except HaiquJobCancelledError:
        print(f"cancelled: {long.status().name}")

    print("the newest jobs:")
    for listed in provider.jobs(limit=3):
        print(f"  {listed.status().name:<9} {listed.metrics()['run_seconds']:.2f} s on {listed.backend().name}")


if __name__ == "__main__":
    main()
