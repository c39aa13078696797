"""The fixed vocabularies of the interface. Clients refuse any other word."""

from enum import StrEnum


class JobState(StrEnum):
    """How far a job has come."""

    SUBMITTED = "Submitted"
    INITIALIZING = "Initializing"
    QUEUED = "Queued"
    VALIDATING = "Validating"
    RUNNING = "Running"
    DONE = "Done"
    ERROR = "Error"
    CANCELLED = "Cancelled"

    @property
    def final(self) -> bool:
        """Whether the job will not change any more, unless it is restarted."""
        return self in (JobState.DONE, JobState.ERROR, JobState.CANCELLED)


class JobKind(StrEnum):
    """What a job does."""

    LOCAL = "User local job"
    ANALYTICS = "Analytics"
    DEVICE_ANALYTICS = "Device specific analytics"
    DATA_LOADING = "Data Loading"
    HYBRID = "Hybrid"
    RUN = "Run"
    STATE_COMPRESSION = "State Compression"
    TRANSPILATION = "Transpilation"
    VARIATIONAL = "Variational"
    PRETRAINING = "Pretraining"
    SKQD = "SKQD"


class CircuitState(StrEnum):
    """How far the analysis of a circuit has come."""

    SUBMITTED = "Submitted"
    ANALYSING = "Running analytics computation"
    CORE_READY = "Core metrics computation is done"
    ADVANCED_READY = "Advanced metrics computation is done"
    QML_READY = "Parameterized QML metrics computation is done"
    EVOLUTION_READY = "Evolution computation is done"
    DONE = "Done"
    ERROR = "Error"


class AnalyticsKind(StrEnum):
    """The groups of numbers that can be computed for a circuit."""

    CORE = "core"
    ADVANCED = "advanced"
    QML = "qml"
    EVOLUTION = "evolution"


class RunKind(StrEnum):
    """Shots on a device, or the exact state."""

    RUN = "Run"
    STATEVECTOR = "StatevectorRun"


class ArtifactKind(StrEnum):
    """What an artifact of an experiment holds."""

    TEXT = "text"
    VALUE = "value"
    TIMESERIES = "timeseries"
    LIST = "list"
    DICT = "dict"
    IMAGE = "image"
