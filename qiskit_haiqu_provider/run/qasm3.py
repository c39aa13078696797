"""OpenQASM 3 read by the reference parser, with errors that say where; it leaves the place out of some."""

import contextlib
import io
import re
from typing import Any

import openqasm3
from openqasm3.ast import QASMNode
from openqasm3.parser import QASM3ParsingError
from qiskit import QuantumCircuit
from qiskit_qasm3_import import ConversionError
from qiskit_qasm3_import.converter import ConvertVisitor


def parse(text: str) -> QuantumCircuit:
    """The circuit of a program.

    Raises:
        ValueError: If it cannot be read; says where and why.
    """
    if not _COMMENTS.sub("", text).strip():
        raise ValueError("it is empty")
    try:
        circuit: QuantumCircuit = _Visitor().convert(_tree(text)).circuit
    except ConversionError as error:
        raise ValueError(_placed(error.message)) from error
    return circuit


def _tree(text: str) -> Any:
    with contextlib.redirect_stderr(io.StringIO()):  # the parser repeats its complaints there
        try:
            return openqasm3.parse(text)
        except QASM3ParsingError as error:
            raise ValueError(_placed(str(error)) or _unexpected(error)) from error


class _Visitor(ConvertVisitor):
    """Adds the place to errors that were not foreseen, such as an index out of range."""

    def visit(self, node: QASMNode, context: Any = None) -> Any:
        """Visit a node of the program."""
        try:
            return super().visit(node, context)
        except (ConversionError, RecursionError):
            raise
        except Exception as error:
            if node.span is None:
                raise
            raise ConversionError(str(error) or type(error).__name__, node) from error


def _unexpected(error: QASM3ParsingError) -> str:
    """Where the grammar was left; it is known only from what the error was caused by."""
    reasons = getattr(error.__cause__, "args", ()) or (None,)
    token = getattr(reasons[0], "offendingToken", None)
    if token is None:
        return "it is no OpenQASM 3"
    shown = "the end" if token.text == "<EOF>" else repr(token.text[:40])
    return f"line {token.line}, column {token.column + 1}: {shown} is not expected here"


def _placed(message: str) -> str:
    """The message with its place in words; columns count from 1."""
    place = _PLACE.match(message)
    if place is None:
        return message
    return f"line {place[1]}, column {int(place[2]) + 1}: {message[place.end() :]}"


_COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_PLACE = re.compile(r"L?(\d+)[,:]C?(\d+): ")
