"""The paths that local runs can take, so that the same tests hold on each of them."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partialmethod

from distributed import Client, LocalCluster

from qiskit_haiqu_provider import HaiquProvider
from qiskit_haiqu_provider.engines.local import lowering, prepare
from qiskit_haiqu_provider.engines.local.memo import CircuitMemo

PATHS = ("aer", "threads", "processes", "dask")
"""Besides the usual one: by Aer alone, without kernels of ours; or on workers."""


@contextmanager
def path(name, request, patch):
    """Send all local runs by a path, unless a test chooses for itself."""
    if name == "aer":
        with_aer_alone(patch)
    elif name == "threads":
        with ThreadPoolExecutor(2) as executor:
            with_executor(patch, executor)
            yield
        return
    elif name in {"processes", "dask"}:
        with_executor(patch, request.getfixturevalue({"processes": "processes", "dask": "dask_workers"}[name]))
    yield


def with_executor(patch, executor):
    """Give an executor to every provider."""
    patch.setattr(HaiquProvider, "__init__", partialmethod(HaiquProvider.__init__, executor=executor))


def with_aer_alone(patch):
    """No circuit and no noise is of a kind that our kernels know."""
    patch.setattr(prepare, "supports", lambda circuit: False)
    patch.setattr(lowering, "is_worth_it", lambda *_, **__: False)
    patch.setattr(lowering, "_PREPARED", CircuitMemo(256))  # what was compiled before


@contextmanager
def dask_client(*, workers):
    """A client of a cluster on this machine, with worker processes of one thread each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dask itself, which this version has on newer Pythons
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield client
