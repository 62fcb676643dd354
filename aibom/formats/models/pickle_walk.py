"""A walk over a pickle's opcodes that runs nothing.

It keeps the unpickler's stack and memo, so that STACK_GLOBAL, whose two strings come from the
stack, is resolved whatever way they took there. The opcodes' names, arguments and effects on the
stack are those of Lib/pickletools.py.
"""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from aibom.formats.models.pickle_facts import Blob, Call, Global, Record
from aibom.formats.models.pickle_opcodes import OPCODES, Cursor, Opcode, WalkError
from aibom.formats.models.pickle_stack import Stack

TEXT_CAP = 1_000
"""Characters kept of any string."""
PERSISTENT = "persistent_load"
"""The function of a Call that stands for a persistent id (Unpickler.persistent_load)."""

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3}))")
"""The escapes of protocol 0's STRING that can hide a letter."""


class Walker:
    """One pass over one pickle, on a stack of names. Subclasses know what a format adds."""

    def __init__(self, cursor: Cursor, record: Record) -> None:
        """Walk from where ``cursor`` stands and write into ``record``."""
        self.cursor = cursor
        self.record = record
        self._stack = Stack()

    def built(self, target: object, state: object) -> None:
        """Do what a format adds when BUILD has given ``target`` its ``state``: nothing here."""

    def persistent(self, identifier: object) -> object:
        """Return what stands for the object behind a persistent id."""
        return self._called(Global(PERSISTENT), (identifier,))

    def run(self) -> object:
        """Walk to STOP and return the value on top of the stack; raise WalkError before it."""
        while self.record.opcodes_left > 0:
            self.record.opcodes_left -= 1
            opcode = OPCODES.get(self.cursor.take(1)[0])
            if opcode is None:
                raise WalkError("unknown opcode")
            argument = self.cursor.argument(opcode)
            if opcode.name == "STOP":
                return self._stack.pop()
            handler = self._HANDLERS.get(opcode.name)
            if handler is None:
                self._other(opcode)
            else:
                handler(self, argument)
        raise WalkError("limit")

    def _other(self, opcode: Opcode) -> None:
        """Do what an opcode does to the stack when its values do not matter."""
        if opcode.to_mark:
            self._stack.pop_to_mark()
        for _ in range(opcode.pops):
            self._stack.pop()
        for _ in range(opcode.pushes):
            self._stack.push(None)

    # The stack and the memo.

    def _mark(self, _: bytes) -> None:
        self._stack.mark()

    def _pop(self, _: bytes) -> None:
        self._stack.pop_value_or_mark()

    def _dup(self, _: bytes) -> None:
        self._stack.push(self._stack.top())

    def _memoize(self, _: bytes) -> None:
        self._stack.memoize()

    def _put(self, argument: bytes) -> None:
        self._stack.put(int.from_bytes(argument, "little"))

    def _get(self, argument: bytes) -> None:
        self._stack.get(int.from_bytes(argument, "little"))

    def _put_line(self, argument: bytes) -> None:
        self._stack.put(_line_number(argument))

    def _get_line(self, argument: bytes) -> None:
        self._stack.get(_line_number(argument))

    # Plain values.

    def _proto(self, argument: bytes) -> None:
        if self.record.protocol is None:
            self.record.protocol = argument[0]

    def _frame(self, argument: bytes) -> None:
        self.cursor.enter_frame(int.from_bytes(argument, "little"))

    def _text(self, argument: bytes) -> None:
        if self.cursor.counted > TEXT_CAP:  # no name: protocol 2 writes bytes as text
            self._bytes(argument)
        else:
            self._stack.push(_text(argument))

    def _bytes(self, _: bytes) -> None:
        length = self.cursor.counted
        self._stack.push(Blob(self.cursor.position - length, length))

    def _quoted(self, argument: bytes) -> None:
        self._stack.push(_text(_ESCAPE.sub(_unescape, argument.strip().strip(b"'\""))))

    def _escaped(self, argument: bytes) -> None:
        self._stack.push(argument.decode("raw-unicode-escape", "replace")[:TEXT_CAP])

    def _unsigned(self, argument: bytes) -> None:
        self._stack.push(int.from_bytes(argument, "little"))

    def _signed(self, argument: bytes) -> None:
        self._stack.push(int.from_bytes(argument, "little", signed=True))

    def _empty_tuple(self, _: bytes) -> None:
        self._stack.push(())

    def _tuple1(self, _: bytes) -> None:
        self._stack.push((self._stack.pop(),))

    def _tuple2(self, _: bytes) -> None:
        second, first = self._stack.pop(), self._stack.pop()
        self._stack.push((first, second))

    def _tuple3(self, _: bytes) -> None:
        third, second, first = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._stack.push((first, second, third))

    def _tuple(self, _: bytes) -> None:
        self._stack.push(tuple(self._stack.pop_to_mark()))

    def _empty_dict(self, _: bytes) -> None:
        self._stack.push({})

    def _dict(self, _: bytes) -> None:
        entries = self._stack.pop_to_mark()
        self._stack.push({})
        self._store(entries)

    def _append(self, _: bytes) -> None:
        self._stack.pop()  # the list stays

    def _appends(self, _: bytes) -> None:
        self._stack.pop_to_mark()  # the list or set stays

    def _setitem(self, _: bytes) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._store((key, value))

    def _setitems(self, _: bytes) -> None:
        self._store(self._stack.pop_to_mark())

    def _store(self, entries: Sequence[object]) -> None:
        target = self._stack.top()
        for key, value in zip(entries[::2], entries[1::2], strict=False):
            if isinstance(key, str):
                if isinstance(target, dict):
                    target[key] = value
                if isinstance(value, str | Call):
                    self.record.add_item(key, value)

    # Imports and calls.

    def _import(self, module: object, name: object) -> None:
        full = ".".join(part if isinstance(part, str) else "?" for part in (module, name))
        self.record.add_global(full)
        self._stack.push(Global(full))

    def _global(self, argument: bytes) -> None:
        module, _, name = argument.partition(b"\n")
        self._import(_text(module), _text(name))

    def _stack_global(self, _: bytes) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._import(module, name)

    def _extension(self, argument: bytes) -> None:
        # copyreg's registry maps the code to a name, in the process that loads the pickle.
        self._import("copyreg._inverted_registry", str(int.from_bytes(argument, "little")))

    def _inst(self, argument: bytes) -> None:
        args = self._stack.pop_to_mark()
        self._global(argument)
        self._stack.push(self._called(self._stack.pop(), tuple(args)))

    def _obj(self, _: bytes) -> None:
        function, *args = self._stack.pop_to_mark() or [None]
        self._stack.push(self._called(function, tuple(args)))

    def _reduce(self, _: bytes) -> None:
        args, function = self._stack.pop(), self._stack.pop()
        self._stack.push(self._called(function, args))

    def _newobj(self, _: bytes) -> None:
        args, cls = self._stack.pop(), self._stack.pop()
        self._stack.push(self._called(cls, args, new=True))

    def _newobj_ex(self, _: bytes) -> None:
        self._stack.pop()  # the keyword arguments
        self._newobj(b"")

    def _persid(self, argument: bytes) -> None:
        self._stack.push(self.persistent(_text(argument)))

    def _binpersid(self, _: bytes) -> None:
        self._stack.push(self.persistent(self._stack.pop()))

    def _build(self, _: bytes) -> None:
        state = self._stack.pop()
        self.built(self._stack.top(), state)

    def _called(self, function: object, args: object, *, new: bool = False) -> Call:
        name = function.name if isinstance(function, Global) else "?"
        call = Call(name, args if isinstance(args, tuple) else (), new)
        self.record.add_call(call)
        return call

    _HANDLERS: ClassVar[dict[str, Callable[["Walker", bytes], None]]] = {
        "PROTO": _proto,
        "FRAME": _frame,
        "MARK": _mark,
        "POP": _pop,
        "DUP": _dup,
        "MEMOIZE": _memoize,
        "PUT": _put_line,
        "BINPUT": _put,
        "LONG_BINPUT": _put,
        "GET": _get_line,
        "BINGET": _get,
        "LONG_BINGET": _get,
        "STRING": _quoted,
        "UNICODE": _escaped,
        "BINSTRING": _text,
        "SHORT_BINSTRING": _text,
        "SHORT_BINUNICODE": _text,
        "BINUNICODE": _text,
        "BINUNICODE8": _text,
        "BINBYTES": _bytes,
        "SHORT_BINBYTES": _bytes,
        "BINBYTES8": _bytes,
        "BYTEARRAY8": _bytes,
        "BININT": _signed,
        "BININT1": _unsigned,
        "BININT2": _unsigned,
        "LONG1": _signed,
        "EMPTY_TUPLE": _empty_tuple,
        "TUPLE1": _tuple1,
        "TUPLE2": _tuple2,
        "TUPLE3": _tuple3,
        "TUPLE": _tuple,
        "EMPTY_DICT": _empty_dict,
        "DICT": _dict,
        "APPEND": _append,
        "APPENDS": _appends,
        "ADDITEMS": _appends,
        "SETITEM": _setitem,
        "SETITEMS": _setitems,
        "GLOBAL": _global,
        "STACK_GLOBAL": _stack_global,
        "EXT1": _extension,
        "EXT2": _extension,
        "EXT4": _extension,
        "INST": _inst,
        "OBJ": _obj,
        "REDUCE": _reduce,
        "NEWOBJ": _newobj,
        "NEWOBJ_EX": _newobj_ex,
        "BUILD": _build,
        "PERSID": _persid,
        "BINPERSID": _binpersid,
    }


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")[:TEXT_CAP]


def _unescape(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16) if match[1] else int(match[2], 8)
    return bytes([value & 0xFF])


def _line_number(argument: bytes) -> int:
    try:
        return int(argument)
    except ValueError:
        return -1  # the unpickler refuses it, and negative numbers too
