"""The tour that ``make demo`` runs: counts, energies on a noisy device and exactly, a cost estimate, a picture.

Everything runs on this machine, without a network, in well under a minute.
"""

import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2

mpl.use("Agg")
from matplotlib import pyplot as plt  # after the choice of a drawing engine that needs no screen

OUTPUT = Path("demo-output") / "demo.png"
DEVICE = "fake_torino"
SPINS = 6
FIELD = 1.0
SETS = 100
PRECISION = 0.05  # 400 shots for every circuit


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ising_chain() -> SparsePauliOp:
    """Energy of a chain of spins in a transverse field: -sum ZZ - field * sum X."""
    bonds = [("ZZ", [spin, spin + 1], -1.0) for spin in range(SPINS - 1)]
    fields = [("X", [spin], -FIELD) for spin in range(SPINS)]
    return SparsePauliOp.from_sparse_list(bonds + fields, num_qubits=SPINS)


def ansatz() -> QuantumCircuit:
    """One layer: all spins along the field, then bonds turned by a free angle, then the field by a fixed one."""
    angle = Parameter("angle")
    circuit = QuantumCircuit(SPINS, name="one layer")
    circuit.h(range(SPINS))
    for first in (0, 1):
        for spin in range(first, SPINS - 1, 2):
            circuit.rzz(angle, spin, spin + 1)
    circuit.rx(0.7, range(SPINS))
    return circuit


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def show_counts(provider: HaiquProvider) -> dict[str, dict[str, int]]:
    heading("1. Bell state, 4000 shots")
    found = {}
    for name in ("aer_simulator", DEVICE):
        backend = provider.get_backend(name)
        circuit = bell()
        if name == DEVICE:  # the simulator takes any circuit
            pass_manager = generate_preset_pass_manager(backend=backend, optimization_level=3, seed_transpiler=7)
            circuit = pass_manager.run(circuit)
        job = SamplerV2(backend, options={"seed_simulator": 7}).run([circuit], shots=4000)
        counts = job.result()[0].data.meas.get_counts()
        found[name] = {outcome: counts.get(outcome, 0) for outcome in ("00", "01", "10", "11")}
        print(f"{name:<14} " + "   ".join(f"{outcome}: {count:4}" for outcome, count in found[name].items()))
    return found


def show_energies(provider: HaiquProvider) -> dict[str, np.ndarray]:
    heading(f"2. Energy of {SPINS} spins, {SETS} parameter sets in one PUB")
    energy, angles = ising_chain(), np.linspace(-np.pi / 2, np.pi / 2, SETS)
    device = provider.get_backend(DEVICE)
    pass_manager = generate_preset_pass_manager(backend=device, optimization_level=3, seed_transpiler=7)
    circuit = pass_manager.run(ansatz())
    observable = energy.apply_layout(circuit.layout)

    exact = EstimatorV2("aer_simulator")
    noisy = EstimatorV2(device, options={"seed_simulator": 7})
    sweep, device_sweep = (ansatz(), energy, angles[:, None]), (circuit, observable, angles[:, None])
    runs = {
        "exact, no noise": (exact, [sweep], 0),
        "exact, device noise": (noisy, [device_sweep], 0),
        "shots, device noise": (noisy, [device_sweep], PRECISION),
    }
    found = {"angles": angles}
    for label, (estimator, pubs, precision) in runs.items():
        started = time.perf_counter()
        data = estimator.run(pubs, precision=precision).result()[0].data
        found[label], found[f"{label}: stds"] = data.evs, data.stds
        best = int(np.argmin(data.evs))
        error = f" +- {data.stds[best]:.3f}" if precision else ""
        print(
            f"{label:<20} lowest energy {data.evs[best]:.3f}{error} at angle {angles[best]:+.3f} rad "
            f"({time.perf_counter() - started:.1f} s)"
        )

    heading("3. What the noisy sweep takes, asked before running it")
    print(noisy.estimate_cost([device_sweep], precision=PRECISION))
    return found


def draw(counts: dict[str, dict[str, int]], energies: dict[str, np.ndarray]) -> None:
    ink, muted, ideal, device = "#1f2430", "#6b7280", "#2f6f9f", "#d9732b"
    style = {"font.size": 11, "text.color": ink, "axes.labelcolor": ink, "xtick.color": muted, "ytick.color": muted}
    style |= {"axes.edgecolor": "#c9ced6", "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(style):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(12.5, 4.8), width_ratios=(2, 1), layout="constrained", dpi=150
        )
        angles = energies["angles"]
        left.plot(angles, energies["exact, no noise"], color=ideal, lw=2.2, label="exact, no noise")
        left.plot(
            angles, energies["exact, device noise"], color=device, lw=1.6, ls="--", label="exact, with device noise"
        )
        left.errorbar(
            angles,
            energies["shots, device noise"],
            yerr=energies["shots, device noise: stds"],
            fmt="o",
            ms=3.6,
            lw=1,
            color=device,
            alpha=0.75,
            label="400 shots per circuit, with device noise",
        )
        left.set_xlabel("bond angle (rad)")
        left.set_ylabel("energy (bond strength)")
        left.set_title(f"Ising chain of {SPINS} spins: {SETS} parameter sets, one PUB", loc="left", fontsize=12)
        left.grid(axis="y", color="#e8ebef", lw=0.8)
        left.set_axisbelow(True)
        left.legend(frameon=False, loc="best", fontsize=10)

        outcomes = list(counts["aer_simulator"])
        places = np.arange(len(outcomes))
        for shift, (name, color) in zip((-0.2, 0.2), (("aer_simulator", ideal), (DEVICE, device)), strict=True):
            heights = [counts[name][outcome] for outcome in outcomes]
            bars = right.bar(places + shift, heights, width=0.38, color=color, label=name)
            right.bar_label(bars, fontsize=8, color=muted, padding=2)
        right.set_xticks(places, outcomes)
        right.set_ylim(0, 2750)
        right.set_xlabel("outcome")
        right.set_ylabel("counts of 4000")
        right.set_title("Bell state", loc="left", fontsize=12)
        right.legend(frameon=False, loc="upper center", ncols=2, fontsize=9.5, columnspacing=1.2, handlelength=1.2)
        OUTPUT.parent.mkdir(exist_ok=True)
        figure.savefig(OUTPUT)
    plt.close(figure)


def main() -> None:
    started = time.perf_counter()
    provider = HaiquProvider()
    counts = show_counts(provider)
    energies = show_energies(provider)
    draw(counts, energies)
    heading("4. Picture")
    print(f"Energies and counts are drawn in {OUTPUT}. All done in {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
