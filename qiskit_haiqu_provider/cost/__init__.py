"""What a run will cost, known before it is submitted."""

from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine, JobCost

__all__ = ["CostEstimate", "CostLine", "JobCost"]
