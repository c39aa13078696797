"""Amazon Web Services for tests: Braket in five regions, S3, and STS.

Programs run on Braket's own simulator, exactly as they arrived. QPUs take what the true ones take: native gates on
wired qubits inside a verbatim box, or the gates of the service outside. A client token makes one task, however often
it arrives.
"""

import json
import re
import threading
import uuid
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator
from braket.ir.openqasm import Program, ProgramSet

from tests.vendors.braket.capabilities import all_devices, header
from tests.vendors.web import Lost, Request, Response

ACCOUNT = "123456789012"
_CREATED, _ENDED = "2026-11-20T10:00:00.000Z", "2026-11-20T10:00:07.000Z"
_GATE = re.compile(r"(\w+)(?:\([^)]*\))? ([^;]+);")


@dataclass
class Task:
    """One quantum task."""

    arn: str
    request: dict[str, Any]
    status: str = "QUEUED"
    reason: str = ""


@dataclass
class FakeAws:
    """All of AWS that Braket's client needs."""

    tasks: dict[str, Task] = field(default_factory=dict)
    """By ARN, in the order of their creation."""

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What is in S3, by bucket and key."""

    buckets: set[str] = field(default_factory=set)
    arrivals: Counter = field(default_factory=Counter)
    """How often a task with a client token was asked for."""

    throttle: int = 0
    """How many of the next requests to Braket are told to slow down."""

    fail: int = 0
    """How many of the next requests to Braket meet a fault."""

    lose: int = 0
    """How many of the next tasks are created, but the answer gets lost."""

    garbled: list[Any] = field(default_factory=list)
    """What the next tasks are answered with that are created."""

    account: str = ACCOUNT
    """The number of the account."""

    hold: bool = False
    """Whether tasks stay in the queue."""

    failure: str = ""
    """Why tasks fail; empty if they do not."""

    failing_circuit: int | None = None
    """Which circuit of a program set fails."""

    spread: bool = False
    """Whether the results of program sets are in several files."""

    backwards: bool = False
    """Whether results list measured qubits in the opposite order."""

    denied: bool = False
    """Whether the credentials are refused."""

    devices: dict[str, Any] = field(default_factory=all_devices)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def site(self, request: Request) -> Response:
        """Plays every host of AWS."""
        with self._lock:
            service = request.host.removesuffix(".amazonaws.com").split(".")
            if service[0] == "sts":
                return self._sts()
            if "s3" in service:
                return self._s3(request, service)
            return self._braket(request, service[1])

    def release(self) -> None:
        """Let the tasks that were held go on."""
        self.hold = False

    def _sts(self) -> Response:
        arn = f"arn:aws:iam::{self.account}:user/u"
        identity = f"<Account>{self.account}</Account><Arn>{arn}</Arn><UserId>U</UserId>"
        body = f"<GetCallerIdentityResult>{identity}</GetCallerIdentityResult>"
        space = "https://sts.amazonaws.com/doc/2011-06-15/"
        return Response(f'<GetCallerIdentityResponse xmlns="{space}">{body}</GetCallerIdentityResponse>')

    def _s3(self, request: Request, service: list[str]) -> Response:
        bucket, key = service[0], request.path.lstrip("/")
        if bucket == "s3":  # the bucket is in the path
            bucket, _, key = key.partition("/")
        if request.method == "PUT" and not key:
            self.buckets.add(bucket)
            return Response("")
        found = self.objects.get((bucket, key))
        if found is None:
            return Response("<Error><Code>NoSuchKey</Code><Message>It is not there.</Message></Error>", 404)
        return Response(found, headers={"content-type": "application/json"})

    def _braket(self, request: Request, region: str) -> Response:
        if self.denied:
            return _error(403, "AccessDeniedException", f"not with {request.headers.get('x-amz-security-token')}")
        if self.throttle:
            self.throttle -= 1
            return _error(429, "ThrottlingException", "Rate exceeded")
        if self.fail:
            self.fail -= 1
            return _error(500, "InternalServiceException", "Something broke")
        kind, _, rest = request.path.lstrip("/").partition("/")
        if kind == "devices":
            return self._search_devices(region)
        if kind == "device":
            return self._device(rest)
        if kind == "quantum-tasks":
            return self._search_tasks(request.json())
        if request.method == "POST":
            return self._create(request.json(), region)
        arn = rest.removesuffix("/cancel")
        if arn not in self.tasks:
            return _error(404, "ResourceNotFoundException", f"{arn} does not exist")
        return self._cancel(self.tasks[arn]) if request.method == "PUT" else self._task(self.tasks[arn])

    def _search_devices(self, region: str) -> Response:
        return Response({"devices": [_summary(arn) for arn in self.devices if arn.split(":")[3] in ("", region)]})

    def _device(self, arn: str) -> Response:
        if arn not in self.devices:
            return _error(404, "ResourceNotFoundException", f"{arn} does not exist")
        waiting = sum(task.status == "QUEUED" and task.request["deviceArn"] == arn for task in self.tasks.values())
        queue = {"queue": "QUANTUM_TASKS_QUEUE", "queueSize": str(waiting), "queuePriority": "Normal"}
        jobs = {"queue": "JOBS_QUEUE", "queueSize": "3"}
        capabilities = json.dumps(self.devices[arn])
        return Response({**_summary(arn), "deviceCapabilities": capabilities, "deviceQueueInfo": [queue, jobs]})

    def _create(self, wanted: dict[str, Any], region: str) -> Response:
        token = wanted["clientToken"]
        self.arrivals[token] += 1
        known = next((task for task in self.tasks.values() if task.request["clientToken"] == token), None)
        if known is not None and known.request != wanted:
            return _error(409, "ConflictException", "The client token was used for another task")
        trouble = self._trouble(wanted, region)
        if trouble:
            return _error(400, "ValidationException", trouble)
        if known is None:
            arn = f"arn:aws:braket:{region}:{self.account}:quantum-task/{uuid.uuid4()}"
            known = self.tasks[arn] = Task(arn, wanted)
        if self.lose:
            self.lose -= 1
            raise Lost
        if self.garbled:
            return Response(self.garbled.pop(0), 201)
        return Response({"quantumTaskArn": known.arn}, 201)

    def _trouble(self, wanted: dict[str, Any], region: str) -> str:
        arn = wanted["deviceArn"]
        if arn.split(":")[3] not in ("", region):
            return f"{arn} is not in {region}"
        device, action = self.devices[arn], json.loads(wanted["action"])
        allowed = device["action"].get(action["braketSchemaHeader"]["name"])
        if allowed is None:
            return "the action is not supported"
        if "programs" in action:
            count = ProgramSet.parse_raw(wanted["action"]).num_executables
            if count > allowed["maximumExecutables"] or wanted["shots"] > allowed["maximumTotalShots"]:
                return "the program set is too large"
        if self._shots_each(action, wanted["shots"]) > device["service"]["shotsRange"][1]:
            return "too many shots"
        if wanted["outputS3Bucket"] not in self.buckets:
            return f"the bucket {wanted['outputS3Bucket']} does not exist"
        programs = action.get("programs", [action])
        return next(filter(None, (_misfit(program["source"], device) for program in programs)), "")

    def _shots_each(self, action: dict[str, Any], shots: int) -> float:
        if "programs" not in action:
            return shots
        return shots / ProgramSet.parse_obj(action).num_executables

    def _task(self, task: Task) -> Response:
        if task.status == "QUEUED" and not self.hold:
            self._run(task)
        return Response(self._shown(task) | {"failureReason": task.reason} if task.reason else self._shown(task))

    def _shown(self, task: Task) -> dict[str, Any]:
        known = {name: task.request[name] for name in ("deviceArn", "shots", "outputS3Bucket")}
        ended = {} if task.status == "QUEUED" else {"endedAt": _ENDED}
        return {
            **known,
            **ended,
            "quantumTaskArn": task.arn,
            "status": task.status,
            "deviceParameters": task.request.get("deviceParameters", "{}"),
            "outputS3Directory": self._folder(task),
            "tags": task.request.get("tags", {}),
            "createdAt": _CREATED,
        }

    def _folder(self, task: Task) -> str:
        return f"{task.request['outputS3KeyPrefix']}/{task.arn.rsplit('/', 1)[1]}"

    def _search_tasks(self, wanted: dict[str, Any]) -> Response:
        """Two tasks a page, the newest first."""
        device = next(item["values"][0] for item in wanted["filters"] if item["name"] == "deviceArn")
        found = [task for task in self.tasks.values() if task.request["deviceArn"] == device][::-1]
        start = int(wanted.get("nextToken", 0))
        more = {"nextToken": str(start + 2)} if start + 2 < len(found) else {}
        return Response({"quantumTasks": [self._shown(task) for task in found[start : start + 2]], **more})

    def _cancel(self, task: Task) -> Response:
        if task.status != "QUEUED":
            return _error(409, "ConflictException", f"The task is {task.status}")
        task.status = "CANCELLED"
        return Response({"quantumTaskArn": task.arn, "cancellationStatus": "CANCELLING"})

    def _run(self, task: Task) -> None:
        if self.failure:
            task.status, task.reason = "FAILED", self.failure
            return
        action = json.loads(task.request["action"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = self._ran(task, action)
        self._store(task, result)
        task.status = "COMPLETED"

    def _ran(self, task: Task, action: dict[str, Any]) -> dict[str, Any]:
        simulator = DensityMatrixSimulator() if task.request["deviceArn"].endswith("dm1") else StateVectorSimulator()
        kind = ProgramSet if "programs" in action else Program
        answer = simulator.run(kind.parse_obj(action), shots=task.request["shots"])
        result = json.loads(answer.json())
        metadata = result["taskMetadata"]
        metadata |= {"id": task.arn, "deviceId": task.request["deviceArn"], "createdAt": _CREATED, "endedAt": _ENDED}
        result.setdefault("additionalMetadata", {})
        executables = [one for program in result.get("programResults", ()) for one in program["executableResults"]]
        for one in executables or [result]:
            self._as_the_device_tells(one, task.request["deviceArn"])
        if self.failing_circuit is not None and executables:
            program = result["programResults"][self.failing_circuit]
            program["executableResults"][0] = {
                "braketSchemaHeader": header("task_result.program_set_executable_failure"),
                "inputsIndex": 0,
                "failureMetadata": {"failureReason": "qubit lost", "retryable": True, "category": "DEVICE"},
            }
        if ":device/quantum-simulator/" in task.request["deviceArn"]:
            told = {"braketSchemaHeader": header("task_result.simulator_metadata"), "executionDuration": 6000}
            result["additionalMetadata"]["simulatorMetadata"] = told
        return result

    def _as_the_device_tells(self, one: dict[str, Any], arn: str) -> None:
        rows = [[int(bit) for bit in row] for row in one["measurements"]]
        if self.backwards:
            rows = [row[::-1] for row in rows]
            one["measuredQubits"] = one["measuredQubits"][::-1]
        one["measurements"] = rows
        if "/ionq/" in arn:  # it tells shares of the shots
            counts = Counter("".join(map(str, row)) for row in rows)
            one["measurements"] = None
            one["measurementProbabilities"] = {key: count / len(rows) for key, count in counts.items()}

    def _store(self, task: Task, result: dict[str, Any]) -> None:
        bucket, folder = task.request["outputS3Bucket"], self._folder(task)

        def put(name: str, value: Any) -> str:
            self.objects[bucket, f"{folder}/{name}"] = json.dumps(value).encode()
            return name

        if self.spread and "programResults" in result:
            for index, program in enumerate(result["programResults"]):
                each, here = program["executableResults"], f"programs/{index}"
                for place, one in enumerate(each):
                    put(f"{here}/executables/{place}.json", one)
                put(f"{here}/program.json", program["source"])
                program["executableResults"] = [f"executables/{place}.json" for place in range(len(each))]
                program["source"] = "program.json"
                result["programResults"][index] = put(f"{here}/results.json", program)
            result["taskMetadata"] = put("metadata.json", result["taskMetadata"])
            result["s3Location"] = [bucket, folder]
        put("results.json", result)


def _summary(arn: str) -> dict[str, Any]:
    kind, maker, name = arn.split(":device/")[1].split("/")
    device = {"deviceType": "QPU" if kind == "qpu" else "SIMULATOR", "deviceStatus": "ONLINE"}
    return {
        "deviceArn": arn,
        "deviceName": name.upper() if maker == "amazon" else name,
        "providerName": maker,
        **device,
    }


def _error(status: int, code: str, message: str) -> Response:
    return Response({"message": message}, status, {"x-amzn-errortype": code, "x-amzn-requestid": "a-request"})


def _misfit(source: str, device: dict[str, Any]) -> str:
    """Why the device does not take a program; empty if it does."""
    paradigm = device["paradigm"]
    box = re.search(r"box\{\n(.*)\n\}", source, re.DOTALL)
    allowed = device["action"]["braket.ir.openqasm.program"]["supportedOperations"]
    names = paradigm["nativeGateSet"] if box else allowed
    skipped = ("OPENQASM", "bit[", "qubit[", "input ", "#pragma", "b[")
    lines = [line for line in (box[1] if box else source).splitlines() if not line.startswith(skipped)]
    for name, qubits in (_GATE.fullmatch(line).groups() for line in lines):
        if name.lower() not in {known.lower() for known in names}:
            return f"gate {name} is not supported"
        if box:
            trouble = _unwired([qubit.removeprefix("$") for qubit in qubits.split(", ")], paradigm)
            if trouble:
                return trouble
    return ""


def _unwired(qubits: list[str], paradigm: dict[str, Any]) -> str:
    wires = paradigm["connectivity"]
    if wires["fullyConnected"]:
        return "" if all(int(qubit) < paradigm["qubitCount"] for qubit in qubits) else f"no qubit {qubits}"
    graph = wires["connectivityGraph"]
    if not all(qubit in graph for qubit in qubits):
        return f"no qubit {qubits}"
    return "" if len(qubits) < 2 or qubits[1] in graph[qubits[0]] else f"qubits {qubits} are not connected"
