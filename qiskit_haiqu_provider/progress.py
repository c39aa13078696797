"""A progress bar for terminals and notebooks."""

from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquDependencyError
from qiskit_haiqu_provider.run.request import Progress


def shown(progress: Progress | bool | None) -> Progress | None:
    """The function to call with progress: a new bar for ``True``, none for ``False`` and ``None``.

    Raises:
        HaiquDependencyError: If a bar is wanted, and tqdm is not installed.
    """
    if progress is True:
        return ProgressBar()
    return None if progress is False else progress


class ProgressBar:
    """Shows the parameter sets done and those in all; appears with the first news and closes with the last."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm  # an extra
        except ImportError as error:
            raise HaiquDependencyError(
                "progress=True shows a bar of tqdm, which is not installed. "
                "Run: pip install 'qiskit-haiqu-provider[progress]', or give a function of (done, total)."
            ) from error
        self._make: Any = tqdm
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far the run is."""
        if self._bar is None:
            self._bar = self._make(total=total, unit="set")
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._bar.close()
