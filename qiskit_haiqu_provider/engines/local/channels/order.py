"""In which order the gates of a circuit are applied: few qubits at a time.

A qubit joins the state with its first gate, and after its last one only what is read of it stays: 2 numbers instead of
4, or 1 if nobody looks. So gates are not taken layer by layer. Again and again, the qubit that can be finished with the
fewest new ones is chosen, and all gates that its last gate depends on are applied. In a chain of gates of depth d about
d qubits are whole at a time, however long the chain is.
"""

from collections.abc import Collection, Sequence


def order(gates: Sequence[tuple[int, ...]], read: Collection[int]) -> list[int]:
    """The gates that what is read depends on, in a good order.

    Args:
        gates: The qubits of each gate.
        read: Qubits that are looked at.

    Returns:
        Indices of gates; every gate comes after those that it depends on.
    """
    needs = _needs(gates)
    last: dict[int, int] = {}
    for index, qubits in enumerate(gates):
        last.update(dict.fromkeys(qubits, index))
    needed = 0
    for qubit in read:
        if qubit in last:
            needed |= needs[last[qubit]]
    final: dict[int, int] = {}
    for index in _members(needed):
        final.update(dict.fromkeys(gates[index], index))
    touched = [sum(1 << qubit for qubit in qubits) for qubits in gates]
    reach = {qubit: _qubits(needs[index], touched) for qubit, index in final.items()}
    done, joined = 0, 0
    found: list[int] = []
    while final:
        best = min(
            final,
            key=lambda qubit: (
                (reach[qubit] & ~joined).bit_count(),
                (needs[final[qubit]] & ~done).bit_count(),
                final[qubit],
            ),
        )
        index = final.pop(best)
        found.extend(_members(needs[index] & ~done))
        done |= needs[index]
        joined |= reach[best]
    return found


def _needs(gates: Sequence[tuple[int, ...]]) -> list[int]:
    """For each gate a bit set of all gates that it depends on, and itself."""
    latest: dict[int, int] = {}
    needs: list[int] = []
    for index, qubits in enumerate(gates):
        before = 1 << index
        for qubit in qubits:
            if qubit in latest:
                before |= needs[latest[qubit]]
        needs.append(before)
        latest.update(dict.fromkeys(qubits, index))
    return needs


def _members(bits: int) -> list[int]:
    return [index for index, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]


def _qubits(bits: int, touched: Sequence[int]) -> int:
    found = 0
    for index in _members(bits):
        found |= touched[index]
    return found
