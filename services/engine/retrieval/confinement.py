"""What the parse worker takes from itself before it opens a stranger's file.

Everywhere: bounds on memory and processor time, no file that grows, no new process, no core dump.
On Linux also a filter for system calls: no sockets, no programs, no opening of files for writing,
no renaming or removing. A bug in a native library then has little to reach for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys

_SET_PARENT_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 1, 22, 38
_FILTER_MODE = 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_PERMISSION, _UNKNOWN = 1, 38  # EPERM, ENOSYS
_NUMBER, _MACHINE, _SECOND, _THIRD = 0, 4, 24, 32  # offsets in struct seccomp_data
_FIRST = 16
_NEW_THREAD = 0x00010000
# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_APPEND, and O_TMPFILE's own bit.
_WRITING = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000

# Sockets, programs, other processes, the file system's names and attributes, keys, name spaces.
_EVERYWHERE = (424, 425, 434)  # pidfd_send_signal, io_uring_setup, pidfd_open
_REFUSED = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 42, 53, 57, 58, 59, 62, 76, 77, 82, 83, 84, 85, 86, 87, 88, 90, 91, 92, 93, 94),
            *(101, 133, 165, 188, 189, 190, 200, 248, 249, 250, 258, 259, 260, 263, 264, 265, 266),
            *(268, 272, 280, 298, 308, 310, 311, 316, 319, 321, 322, 323),
        ),
        {"clone": 56, "open": 2, "openat": 257},
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(5, 6, 7, 33, 34, 35, 36, 37, 38, 40, 45, 46, 52, 53, 54, 55, 88, 97, 117, 129, 130),
            *(198, 199, 203, 217, 218, 219, 221, 241, 268, 270, 271, 276, 279, 280, 281, 282),
        ),
        {"clone": 220, "openat": 56},
    ),
}
_NO_ANSWER = (435, 437)  # clone3 and openat2: their callers fall back to what can be checked


def confine(memory: int, parent: int) -> None:
    """Bounds this process: ``memory`` in bytes; it ends with ``parent``, the process id."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, 64)
    # A file that may not grow is an error to the library, no end of the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        system = ctypes.CDLL(None)
        system.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the engine ended before the kernel could be asked
        _filter_system_calls(system)


def allow_processor_seconds(seconds: int) -> None:
    """This much more processor time, counted from now; the kernel ends what needs more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or soft <= hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit(kind: int, wanted: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > wanted:
        # Not every system knows every limit.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (wanted, wanted))


def _filter_system_calls(system: ctypes.CDLL) -> None:
    if platform.machine() not in _REFUSED or sys.maxsize < 2**32:
        return
    program = _program(*_REFUSED[platform.machine()])
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where.
    header = struct.pack("HP", len(program) // 8, ctypes.addressof(code))
    long = ctypes.c_ulong
    system.prctl(_SET_NO_NEW_PRIVILEGES, long(1), long(0), long(0), long(0))
    system.prctl(_SET_SECCOMP, long(_FILTER_MODE), header, long(0), long(0))


def _program(machine: int, refused: tuple[int, ...], checked: dict[str, int]) -> bytes:
    """The filter, in the kernel's own instructions: code, jumps if true and false, a value."""

    def step(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
        return struct.pack("HBBI", code, true, false, value)

    refuse = step(_RETURN, _REFUSE | _PERMISSION)
    steps = [
        step(_LOAD, _MACHINE),
        step(_EQUAL, machine, 1, 0),
        refuse,  # numbers of another machine's calls
        step(_LOAD, _NUMBER),
        step(_AT_LEAST, 0x40000000, 0, 1),
        refuse,
    ]
    for number in (*refused, *_EVERYWHERE):
        steps += [step(_EQUAL, number, 0, 1), refuse]
    for number in _NO_ANSWER:
        steps += [step(_EQUAL, number, 0, 1), step(_RETURN, _REFUSE | _UNKNOWN)]
    arguments = {
        "clone": (_FIRST, _NEW_THREAD, False),
        "open": (_SECOND, _WRITING, True),
        "openat": (_THIRD, _WRITING, True),
    }
    for name, number in checked.items():
        offset, bits, refused_with = arguments[name]
        steps += [
            step(_EQUAL, number, 0, 4),
            step(_LOAD, offset),
            step(_ANY_BIT, bits, 0, 1) if refused_with else step(_ANY_BIT, bits, 1, 0),
            refuse,
            step(_RETURN, _ALLOW),
        ]
    steps.append(step(_RETURN, _ALLOW))
    return b"".join(steps)
