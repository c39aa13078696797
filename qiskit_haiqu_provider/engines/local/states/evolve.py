"""Programs run for all parameter sets at once.

A gate takes all sets together. Wide states keep the amplitudes of a set together, and turn neighbouring qubits by one
matrix product. Narrow states keep the sets together, because such matrices would be larger than they.
"""

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.states.buffers import fresh, lent
from qiskit_haiqu_provider.engines.local.states.narrow import NarrowStates
from qiskit_haiqu_provider.engines.local.states.program import Program
from qiskit_haiqu_provider.engines.local.states.tables import Tables
from qiskit_haiqu_provider.engines.local.states.wide import WideStates

_NARROW = 5
"""Up to so many qubits the sets are kept together; however many they are, so that last digits do not depend on it."""


def evolve(
    program: Program, values: NDArray[np.float64], *, lend: bool = False, phases: bool = True
) -> NDArray[np.complex128]:
    """The final states without the circuit's global phase.

    Args:
        program: The compiled circuit.
        values: Parameter values of shape ``(sets, parameters)``, in the order of ``circuit.parameters``.
        lend: Whether the result may lie in memory that the next evolution in this thread takes back. It saves more
            time than a gate takes, because fresh memory is slow.
        phases: Whether the phases of the amplitudes matter; if not, they may be others.

    Returns:
        Shape ``(sets, 2**n)``, in Qiskit order.
    """
    tables = Tables(program, values)
    states: NarrowStates | WideStates
    if program.num_qubits <= _NARROW:
        states = NarrowStates(program, tables)
    else:
        shape = len(values), 1 << program.num_qubits
        states = WideStates(program, tables, lent("evolve", shape) if lend else fresh(shape))
    for stage in program.stages[1:]:
        if phases or stage.turns or stage is not program.stages[-1]:
            states.multiply(stage.local, stage.scattered)
        if stage.images is not None:
            states.permute(stage.images, stage.origin)
        states.turn(stage.turns)
    return states.amplitudes()
