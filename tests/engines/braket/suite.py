"""The tests of the primitives, to be run on another backend: those that leave the choice of it to a fixture."""

import inspect


def cases_with(fixture, module, *, without):
    """The tests of a module that use a fixture, by name; some are left out, each of which has to exist."""
    tests = {name: test for name, test in vars(module).items() if name.startswith("test_")}
    found = {name: test for name, test in tests.items() if fixture in inspect.signature(test).parameters}
    for name in without:
        del found[name]
    return found


DYNAMIC = (
    "test_mid_circuit_measurement_reset_and_branches",
    "test_loops_and_parameters_in_dynamic_circuits",
    "test_classical_expressions_and_switches",
)
"""Tests of the sampler that need dynamic circuits."""

TOO_WIDE = "test_wide_clifford_circuits_need_no_exponential_memory"
