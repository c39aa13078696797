"""A network compiled into steps: which matrix is applied to which axes of which part of the state.

The state is a product of parts, each a tensor with one axis a qubit. A gate joins the parts of its qubits. The steps
are worked out once for a circuit; running them takes a matrix product each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from qiskit_haiqu_provider.engines.local.channels import transfer
from qiskit_haiqu_provider.engines.local.channels.network import Chain, Factor, MovingGate, Network, Node
from qiskit_haiqu_provider.engines.local.channels.order import order as order_of
from qiskit_haiqu_provider.engines.local.channels.transfer import Matrix

_AT_ONCE = 2**18
"""Numbers of the states that are evolved together: 2 MiB, which stay in the processor's cache."""

_IN_PLACE = 8
"""Numbers behind the axes of a gate from which it is applied where they are; before, they are moved to the end."""


@dataclass(frozen=True)
class Recipe:
    """How the matrix of a step comes about, where it depends on parameters."""

    gate: Factor
    error: Matrix | None
    before: tuple[tuple[Factor, ...], ...]
    """What happens to each qubit before the gate; from the ground state, where the qubit begins here."""

    after: tuple[tuple[Factor, ...], ...]
    """What happens to each qubit after it, until it is read."""

    in_order: tuple[int, ...]
    """The axes before the gate as the state has them, without qubits that begin here."""

    out_order: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One matrix product.

    The parts are joined, their axes put in the order ``move`` if it is not empty, and reshaped to
    ``(sets, lead, in, trail)``.
    """

    parts: tuple[int, ...]
    result: int
    shape: tuple[int, ...]
    """The axes of the joined part."""

    move: tuple[int, ...]
    matrix: Recipe | Matrix
    """Shape ``(out, in)`` if it does not depend on parameters."""

    trail: int
    """Numbers behind the axes of the gate."""


@dataclass(frozen=True)
class Lone:
    """A qubit on which no gate acts together with others."""

    result: int
    factors: tuple[Factor, ...]


@dataclass(frozen=True)
class Program:
    """Steps from the ground state to what is read."""

    steps: tuple[Step, ...]
    lone: tuple[Lone, ...]
    ends: tuple[int, ...]
    """The parts that are left, to be joined."""

    end_shape: tuple[int, ...]
    end_move: tuple[int, ...]
    moving: tuple[MovingGate, ...]
    parameters: tuple[object, ...]
    size: int
    """Numbers in the largest state."""

    work: int
    """Multiplications for one parameter set."""

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Components of each qubit that is read, the last qubit first."""
        return tuple([self.end_shape[place - 1] for place in self.end_move[1:]]) or self.end_shape

    def at_once(self, sets: int) -> int:
        """How many of so many parameter sets are evolved together."""
        return max(1, min(sets, _AT_ONCE // self.size)) if self.moving else 1


def compiled(net: Network, reads: Mapping[int, Matrix]) -> Program:
    """The steps that lead to what is read of each qubit.

    Args:
        net: The circuit.
        reads: For each qubit that is looked at the rows, shape ``(out, 4)``, that are read of it.

    Returns:
        A program whose result has one axis for each qubit in ``reads``, the last first.
    """
    chosen = order_of([node.qubits for node in net.nodes], reads)
    return _Compiler(net, reads, chosen).program()


class _Compiler:
    """Follows the parts of the state through the gates."""

    def __init__(self, net: Network, reads: Mapping[int, Matrix], chosen: Sequence[int]) -> None:
        self._net = net
        self._reads = reads
        self._nodes = [net.nodes[index] for index in chosen]
        self._last: dict[int, int] = {}
        for place, node in enumerate(self._nodes):
            self._last.update(dict.fromkeys(node.qubits, place))
        self._where: dict[int, int] = {}
        """For each qubit the part that it is in."""
        self._axes: dict[int, list[tuple[int, int]]] = {}
        """For each part the qubit and dimension of each axis."""
        self._steps: list[Step] = []
        self._lone: list[Lone] = []
        self._size = self._work = 1

    def program(self) -> Program:
        for place, node in enumerate(self._nodes):
            self._node(place, node)
        for qubit, rows in self._reads.items():
            if qubit not in self._where:
                part = len(self._axes)
                factors = (transfer.GROUND[:, None], *self._tail(qubit))
                self._lone.append(Lone(part, _multiplied(factors)))
                self._axes[part] = [(qubit, len(rows))]
                self._where[qubit] = part
        ends = sorted(set(self._where.values()))
        axes = [axis for part in ends for axis in self._axes[part]]
        moved = sorted(range(len(axes)), key=lambda index: -axes[index][0])
        shape = tuple([dim for _, dim in axes])
        self._size = max(self._size, prod(shape))
        return Program(
            steps=tuple(self._steps),
            lone=tuple(self._lone),
            ends=tuple(ends),
            end_shape=shape,
            end_move=_move(moved),
            moving=tuple(self._net.moving),
            parameters=self._net.parameters,
            size=self._size,
            work=self._work + prod(shape),
        )

    def _tail(self, qubit: int) -> tuple[Factor, ...]:
        """What happens to a qubit after its last gate with others, up to what is read of it."""
        if qubit not in self._reads:
            return (transfer.TRACE,)
        return _multiplied((*self._net.after.get(qubit, Chain()).factors, self._reads[qubit]))

    def _node(self, place: int, node: Node) -> None:
        parts = tuple(dict.fromkeys(self._where[qubit] for qubit in node.qubits if qubit in self._where))
        axes = [axis for part in parts for axis in self._axes[part]]
        places = {qubit: index for index, (qubit, _) in enumerate(axes)}
        live = sorted((qubit for qubit in node.qubits if qubit in places), key=places.__getitem__)
        fresh = [qubit for qubit in node.qubits if qubit not in places]
        shape = tuple([dim for _, dim in axes])
        order, start, trail = _arranged(shape, [places[qubit] for qubit in live])
        before, behind = [axes[index] for index in order[:start]], [axes[index] for index in order[start + len(live) :]]
        # A qubit that joins gets its axis outside, so that those of neighbours stay side by side.
        joined = [*fresh, *live] if live and len(before) < len(behind) else [*live, *fresh]
        recipe = self._recipe(place, node, live, joined)
        new = [(qubit, dim) for qubit in joined if (dim := self._left(place, qubit)) > 1]
        result = len(self._axes)
        self._axes[result] = [*before, *new, *behind]
        for qubit in node.qubits:
            self._where.pop(qubit, None)
        self._where.update(dict.fromkeys([qubit for qubit, _ in self._axes[result]], result))
        self._count(prod(shape), prod(dim for _, dim in new), len(live))
        matrix = recipe if _moves(recipe) else matrix_of(recipe, ())[0]
        self._steps.append(Step(parts, result, shape, _move(order), matrix, trail))

    def _left(self, place: int, qubit: int) -> int:
        """How many components a qubit has after a node."""
        if self._last[qubit] > place:
            return 4
        return len(self._reads[qubit]) if qubit in self._reads else 1

    def _count(self, before: int, out: int, live: int) -> None:
        self._size = max(self._size, before, before // 4**live * out)
        self._work += before * out

    def _recipe(self, place: int, node: Node, live: Sequence[int], out_qubits: Sequence[int]) -> Recipe:
        axis_of = {qubit: axis for axis, qubit in enumerate(node.qubits)}
        before = [
            tuple(chain.factors) if qubit in live else _multiplied((transfer.GROUND[:, None], *chain.factors))
            for qubit, chain in zip(node.qubits, node.before, strict=True)
        ]
        after = [self._tail(qubit) if self._last[qubit] == place else () for qubit in node.qubits]
        return Recipe(
            node.gate,
            node.error,
            tuple(before),
            tuple(after),
            tuple([axis_of[qubit] for qubit in live]),
            tuple([axis_of[qubit] for qubit in out_qubits]),
        )


def _arranged(shape: Sequence[int], live: Sequence[int]) -> tuple[list[int], int, int]:
    """How axes are put for a gate on some of them.

    Args:
        shape: Dimensions of the axes.
        live: Places of the axes that the gate acts on, ascending.

    Returns:
        The axes in their order, where those of the gate begin, and how many numbers are behind them.
    """
    order = list(range(len(shape)))
    if not live:
        return order, 0, 1
    trail = prod(shape[live[-1] + 1 :])
    if live[-1] - live[0] + 1 == len(live) and (trail == 1 or trail >= _IN_PLACE):
        return order, live[0], trail
    others = [place for place in order if place not in live]
    return [*others, *live], len(others), 1


def _move(order: Sequence[int]) -> tuple[int, ...]:
    """The transposition that puts axes into an order, those of the parameter sets first; empty if they are in it."""
    return () if list(order) == list(range(len(order))) else (0, *[place + 1 for place in order])


def _multiplied(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    chain = Chain()
    for factor in factors:
        chain.then(factor)
    return tuple(chain.factors)


def _moves(recipe: Recipe) -> bool:
    return any(
        isinstance(factor, int) for factors in ((recipe.gate,), *recipe.before, *recipe.after) for factor in factors
    )


def matrix_of(recipe: Recipe, moving: Sequence[Matrix]) -> Matrix:
    """The matrix of a step.

    Args:
        recipe: How it comes about.
        moving: The matrices of the gates that depend on parameters, each of shape ``(sets or 1, dim, dim)``.

    Returns:
        Shape ``(sets or 1, out, in)``.
    """
    before = [product(factors, moving) for factors in recipe.before]
    after = [product(factors, moving) for factors in recipe.after]
    matrix = product((recipe.gate,), moving)
    if recipe.error is not None:
        matrix = recipe.error @ matrix
    if any(recipe.before):
        matrix = matrix @ transfer.together(before)
    if any(recipe.after):
        matrix = transfer.together(after) @ matrix
    outs = [one.shape[1] for one in after]
    ins = [one.shape[2] for one in before]
    count, (sets, rows, _) = len(ins), matrix.shape
    kept = [count + 1 + axis for axis in recipe.in_order]
    begun = [count + 1 + axis for axis in range(count) if axis not in recipe.in_order]
    tensor = matrix.reshape(sets, *outs, *ins)
    tensor = tensor.transpose(0, *[1 + axis for axis in recipe.out_order], *kept, *begun)
    return np.ascontiguousarray(tensor.reshape(sets, rows, -1))


def product(factors: Sequence[Factor], moving: Sequence[Matrix]) -> Matrix:
    """The matrix of a chain, shape ``(sets or 1, out, in)``."""
    found = _NOTHING
    for factor in factors:
        matrix = moving[factor] if isinstance(factor, int) else factor[None]
        found = matrix if found is _NOTHING else matrix @ found
    return found


_NOTHING: Matrix = np.eye(4)[None]
