"""Who mitigates the errors of a run: the service that executes it, or this package; never both."""

from dataclasses import replace

from qiskit.transpiler import Target

from qiskit_haiqu_provider.engines.base import Engine
from qiskit_haiqu_provider.exceptions import HaiquOptionError
from qiskit_haiqu_provider.mitigation.recipe import mitigate, refuse_exact
from qiskit_haiqu_provider.mitigation.settings import CLIENT_ONLY, MitigationSettings, check_place
from qiskit_haiqu_provider.run.request import RunRequest


def with_mitigation(request: RunRequest, engine: Engine, *, target: Target | None) -> RunRequest:
    """The request as it goes to the engine.

    Args:
        request: What was asked for.
        engine: Who executes.
        target: What the device can do; ``None`` if it takes any circuit.

    Returns:
        The request itself without mitigation; one for the engine to mitigate; or one with circuits of this package in
        place of its own, whose results are put together by :attr:`~.RunRequest.finish`.

    Raises:
        HaiquOptionError: If who is to mitigate cannot.
        HaiquInputError: If a setting is wrong, or exact values are asked for, whoever is to mitigate.
    """
    if not request.use_mitigation:
        return request
    refuse_exact(request)
    able = engine.mitigates(request)
    where = check_place(request.mitigation.get("where"), "mitigation['where']") or ("engine" if able else "client")
    if where == "engine":
        if not able:
            raise HaiquOptionError(
                f"mitigation['where']: {request.device} via '{engine.via}' does not mitigate the errors of such a run. "
                "Set where='client', or leave it out."
            )
        flags = {name: value for name, value in request.mitigation.items() if name not in CLIENT_ONLY}
        return replace(request, mitigation=flags)
    settings = MitigationSettings.of(request.mitigation)
    if engine.via == "local":
        # Echoes write delays, and simulated qubits relax in those only: they would add noise and have none to undo.
        settings = replace(settings, dynamical_decoupling=False)
    compiled = engine.recompiles(request)
    if compiled and settings.advanced_mitigation:
        raise HaiquOptionError(
            f"use_mitigation: circuits of {request.device} via '{engine.via}' would not run as they are, and errors "
            f"would be estimated wrongly. {compiled}"
        )
    ready = mitigate(request, target=target, settings=settings)
    return replace(ready.request, finish=ready.finisher)
