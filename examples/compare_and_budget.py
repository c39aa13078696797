"""One workload on several devices, side by side; then a dry run, a limit and a budget. Offline, with simulators.

Needs the extras ``braket`` and ``ibm``. With a vendor's credentials in the environment, ``provider.compare_cost(pubs)``
compares all devices that are reached, with their prices.
"""

import tempfile
from pathlib import Path

from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, HaiquBudgetError, HaiquProvider
from qiskit_haiqu_provider.cost.braket import qpu_usd
from qiskit_haiqu_provider.cost.prices import read_prices


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work(Path(folder))


def work(folder: Path) -> None:
    provider = HaiquProvider(budget_usd=50, ledger=folder / "spring.json", home=folder)
    circuit = efficient_su2(4, reps=1)
    circuit = circuit.assign_parameters([0.1 * number for number in range(circuit.num_parameters)])
    energy = SparsePauliOp(["ZZII", "IZZI", "IIZZ", "XIII", "IXII"], [-1, -1, -1, -0.5, -0.5])
    pubs = [(circuit, energy)]

    # Circuits are transpiled for each device; nothing is submitted. A device that cannot run them says why.
    table = provider.compare_cost(pubs, devices=["braket_sv", "fake_torino", "fake_manila"], precision=0.02)
    print(table, end="\n\n")

    # The same program as a rehearsal, and then for real. Simulators are free, so the ledger stays empty.
    estimator = EstimatorV2(provider.get_backend("braket_sv"), options={"seed_simulator": 7, "dry_run": True})
    rehearsal = estimator.run(pubs, precision=0.02).result()
    print(f"dry run: {rehearsal}")
    estimator.options.dry_run = False
    data = estimator.run(pubs, precision=0.02).result()[0].data
    print(f"energy: {data.evs:.3f} +- {data.stds:.3f}, spent: {provider.ledger.spent_usd} USD\n")

    # What these shots would cost on a machine, by the table of public prices, and what a run there does to the ledger.
    price = read_prices().find("braket", "garnet")
    usd = qpu_usd(rehearsal.shots, price, tasks=1)
    print(f"{rehearsal.shots:,} shots on IQM Garnet at Amazon Braket: {usd:.2f} USD ({price.source}, {price.as_of})")
    ledger = provider.ledger
    ledger.reserve("first run", usd=usd, device="aws_iqm_garnet", via="braket")
    ledger.settle("first run", usd=7)  # from the bill; runs of this package do all this by themselves
    print(f"budget: {ledger.budget_usd} USD, spent: {ledger.spent_usd:.2f}, left: {ledger.left_usd:.2f}")
    try:
        ledger.reserve("too much", usd=60, device="aws_iqm_garnet", via="braket")
    except HaiquBudgetError as error:
        print(f"refused: {str(error).partition(' Take fewer')[0]}")


if __name__ == "__main__":
    main()
