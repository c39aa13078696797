"""AWS, through the session of Amazon's own client: one for each region, errors in our words, and finite patience.

Braket takes a client token with every task, and the same token never makes a second task. So a request that may have
been lost is sent again as it is, a submission too.
"""

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from qiskit_haiqu_provider.api.hush import Hush, forms
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquApiError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquDependencyError,
    HaiquNotFoundError,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.secret import Secret, raise_alone, scrubbed

T = TypeVar("T")
logger = logging.getLogger(__name__)

REGIONS = ("us-east-1", "us-west-1", "us-west-2", "eu-north-1", "eu-west-2")
"""Where Braket is."""

PAUSES = (0.2, 0.6, 1.5, 3.0)
"""Seconds before a request is sent again that may have been lost, or came at a busy time."""

_TIMEOUT = 60.0
_TRANSIENT = (HaiquConnectionError, HaiquTimeoutError, HaiquServerError, HaiquRateLimitError)

_TALKATIVE = ("boto", "braket", "s3transfer", "urllib3")
"""How the names of loggers of Amazon's libraries begin."""

Credentials = Callable[[], Mapping[str, Secret]]


class Aws:
    """The way to AWS. Making one costs no network, and imports nothing of Amazon's.

    Args:
        credentials: Keys and region by name, looked up when a session is first needed; without keys, boto3 looks for
            them where it always does.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, credentials: Credentials, *, timeout: float | None = None) -> None:
        self._credentials = credentials
        self._timeout = _TIMEOUT if timeout is None else timeout
        self._sessions: dict[str, Any] = {}
        self._buckets: dict[str, str] = {}
        self._lock = threading.Lock()
        self._quiet: Hush | None = None

    @property
    def home(self) -> str:
        """The region of devices that are in all regions."""
        given = self._credentials().get("aws_default_region")
        region = given.reveal() if given else os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return region if region in REGIONS else REGIONS[0]

    def session(self, region: str) -> Any:
        """The ``AwsSession`` of a region.

        Raises:
            HaiquDependencyError: If amazon-braket-sdk is not installed.
        """
        with self._lock:
            if region not in self._sessions:
                self._sessions[region] = self._made(region)
            return self._sessions[region]

    def ask(self, call: Callable[[], T], what: str) -> T:
        """What a call yields; it is repeated while AWS is away or busy, as often as there are pauses.

        Args:
            call: A request that has the same effect once and many times.
            what: What it is for, for messages.

        Raises:
            HaiquAccountError: If there are no credentials.
            HaiquApiError: If AWS refuses, or does not answer.
        """
        reached = False
        for pause in (*PAUSES, None):
            try:
                with self._in_our_words(what):
                    return call()
            except HaiquApiError as error:
                reached = error.reached = reached or error.reached  # an earlier one may have taken effect
                if pause is None or not isinstance(error, _TRANSIENT):
                    raise
                logger.info("AWS did not answer (%s: %s); asking again.", what, error)
            time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads requests, guards nothing
        raise AssertionError("unreachable")

    def bucket(self, region: str) -> str:
        """The bucket of a region that Amazon's client keeps results in; it is made if there is none."""
        if region not in self._buckets:
            session = self.session(region)
            self._buckets[region] = self.ask(session.default_bucket, "the default bucket")
        return self._buckets[region]

    def account(self, region: str) -> str:
        """The number of the account that the credentials are of.

        Raises:
            HaiquApiError: If AWS does not tell.
        """
        session = self.session(region)
        return str(self.ask(lambda: session.account_id, "the number of the account"))

    def hidden(self, text: str) -> str:
        """A text of AWS, without our secrets."""
        return str(scrubbed(text, forms(self._secrets())))

    def _secrets(self) -> Iterator[Secret]:
        return (secret for name, secret in self._credentials().items() if name != "aws_default_region")

    def _made(self, region: str) -> Any:
        try:
            import boto3  # in an extra, as all of Amazon's
            from botocore.config import Config
            from braket.aws import AwsSession
        except ImportError as error:
            raise HaiquDependencyError(
                "Devices of Amazon Braket need amazon-braket-sdk, which is not installed. "
                "Run: pip install 'qiskit-haiqu-provider[braket]'"
            ) from error
        keys = {name: secret.reveal() for name, secret in self._credentials().items() if name != "aws_default_region"}
        config = Config(
            connect_timeout=self._timeout,
            read_timeout=self._timeout,
            retries={"total_max_attempts": 1, "mode": "standard"},
        )
        with self._in_our_words("a session"):
            session = AwsSession(boto3.Session(region_name=region, **keys), config=config)
        self._hush()  # only now are all of their modules loaded
        return session

    def _hush(self) -> None:
        """Keep secrets out of what Amazon's libraries log: they log the headers of requests."""
        if self._quiet is None:
            self._quiet = Hush(forms(self._secrets()))
            weakref.finalize(self, self._quiet.remove)
        self._quiet.install(name for name in list(logging.root.manager.loggerDict) if name.startswith(_TALKATIVE))

    def _in_our_words(self, what: str) -> "_Translation":
        return _Translation(self, what)


class _Translation:
    """Raises what boto3 raises as an error of ours."""

    def __init__(self, aws: Aws, what: str) -> None:
        self._aws, self._what = aws, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        from botocore import exceptions as aws  # loaded already: it has raised the error
        from botocore.parsers import ResponseParserError

        if isinstance(error, aws.ClientError):
            raise_alone(self._refusal(error))
        if isinstance(error, (aws.NoCredentialsError, aws.PartialCredentialsError, aws.ProfileNotFound)):
            raise_alone(
                HaiquAccountError(
                    f"Amazon Braket: {self._aws.hidden(str(error))}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                    "or give credentials={'aws_access_key_id': '...', 'aws_secret_access_key': '...'} to "
                    "HaiquProvider(...)."
                )
            )
        if isinstance(error, aws.ParamValidationError):
            raise_alone(HaiquRequestError(f"{self._about()}: {self._aws.hidden(str(error))}", reached=False))
        if isinstance(error, aws.BotoCoreError):
            raise_alone(self._outage(error, aws))
        if isinstance(error, (UnicodeError, KeyError, ResponseParserError)):  # no text, or without what it must have
            raise_alone(
                HaiquResponseError(
                    f"{self._about()}: the answer of AWS cannot be read. Check the proxy, if there is one."
                )
            )
        if isinstance(error, ValueError):  # Amazon's client, of a bucket that belongs to somebody else
            raise_alone(HaiquRequestError(f"{self._about()}: {self._aws.hidden(str(error))}"))

    def _outage(self, error: BaseException, aws: Any) -> HaiquApiError:
        # Behind a proxy boto3 calls it a trouble of the proxy, too, if a connection ends after the request has left.
        never = isinstance(error, (aws.EndpointConnectionError, aws.ConnectTimeoutError))
        slow = isinstance(error, (aws.ConnectTimeoutError, aws.ReadTimeoutError))
        kind = HaiquTimeoutError if slow else HaiquConnectionError
        return kind(
            f"{self._about()}: AWS cannot be reached, or did not answer in time ({type(error).__name__}). Check the "
            "network, the region and the proxy, and try again.",
            reached=not never,
        )

    def _refusal(self, error: Any) -> HaiquApiError:
        answer = error.response
        code, said = answer["Error"].get("Code", ""), self._aws.hidden(answer["Error"].get("Message", ""))
        meta = answer.get("ResponseMetadata", {})
        status = meta.get("HTTPStatusCode")
        kind, advice = _kind(code, status)
        return kind(
            f"{self._about()}: AWS answered {code}: {said.rstrip('.')}. {advice}",
            status=status,
            detail=said,
            request_id=meta.get("RequestId"),
            reached=kind is HaiquServerError,
        )

    def _about(self) -> str:
        return f"Amazon Braket, {self._what}"


def _kind(code: str, status: int | None) -> tuple[type[HaiquApiError], str]:
    """The error for an answer of AWS, and what to do."""
    if status is not None and status >= 500:
        return HaiquServerError, "Try again later."
    if status == 429 or "Throttl" in code or code in {"TooManyRequestsException", "SlowDown"}:
        return HaiquRateLimitError, "Wait a minute, and send less at a time."
    if status in {401, 403} or code in _NOT_LET_IN:
        return HaiquAuthenticationError, "Check the AWS credentials, and that they may use Amazon Braket and S3."
    if status == 404:
        return HaiquNotFoundError, "Check the name and the region."
    advice = {
        "DeviceOfflineException": "Wait until the device is back, or choose another.",
        "DeviceRetiredException": "Choose another device.",
        "ServiceQuotaExceededException": "Wait for other tasks to end, or ask AWS for a higher quota.",
    }
    return HaiquRequestError, advice.get(code, "Change what it names.")


_NOT_LET_IN = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"}
)
