"""What a run will cost, known before it is submitted."""

from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine

__all__ = ["CostEstimate", "CostLine"]
