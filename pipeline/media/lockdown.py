"""What a process gives up for good before it opens an untrusted file, and what the kernel lacks."""

import ctypes
import errno
import mmap
import os
import resource
from collections.abc import Sequence
from pathlib import Path

# Landlock, from linux/landlock.h: numbers and bits are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_READ_FILE = 1 << 2
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # how many rights there are from a version on
_TCP_SINCE, _BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11

_PR_SET_NAME = 15
_PR_SET_NO_NEW_PRIVS = 38
_CLONE_THREAD = 0x10000

# libseccomp, from seccomp.h.
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7

# What Python, NumPy, OpenCV and FFmpeg still call once all is loaded. Everything else, sockets
# and new programs among it, is refused with EPERM.
_ALLOWED = (
    "_llseek",
    "brk",
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "dup",
    "exit",
    "exit_group",
    "fcntl",
    "fstat",
    "futex",
    "getcwd",
    "getpid",
    "getrandom",
    "getrusage",
    "gettid",
    "gettimeofday",
    "lseek",
    "lstat",
    "madvise",
    "membarrier",
    "mlock",
    "mremap",
    "munlock",
    "munmap",
    "nanosleep",
    "newfstatat",
    "poll",
    "ppoll",
    "pread64",
    "read",
    "readlink",
    "readlinkat",
    "readv",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "sigaltstack",
    "stat",
    "statx",
    "sysinfo",
    "times",
    "uname",
    "write",
    "writev",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_CPU_S = 3600
_DESCRIPTORS = 64


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def lock_down(
    readable: Path | None, memory_bytes: int, seccomp: str = "libseccomp.so.2"
) -> list[str]:
    """Give up all but reading one file, or none, for the rest of this process's life.

    What stays: descriptors that are open, threads, memory up to a limit. What goes, each for two
    reasons where the kernel has both Landlock and seccomp: opening other files, writing, sockets,
    processes and programs, signals to others. Whatever is imported later must be loaded before.

    Returns what this system can't give, a sentence each. Raises RuntimeError: other threads run,
    which would stay free; OSError: a protection that is there refuses to work.
    """
    threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    if threads > 1:
        raise RuntimeError(
            f"The process must have 1 thread, since others would stay free, got {threads}."
        )
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, _CPU_S)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    libc = ctypes.CDLL(None, use_errno=True)
    library = _load(seccomp)  # first: it is a file
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    return [*_restrict_files(libc, readable), *_restrict_calls(library)]


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (lower, lower))


def _restrict_files(libc: ctypes.CDLL, readable: Path | None) -> list[str]:
    """Deny every file but one by Landlock, and TCP and abstract sockets where it knows them."""
    libc.syscall.restype = ctypes.c_long
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        reason = os.strerror(ctypes.get_errno())
        return [
            f"Landlock, which denies other files: {reason}; it needs Linux 5.13, with it enabled."
        ]
    rights = max(count for since, count in _FS_RIGHTS.items() if since <= version)
    rules = _Ruleset(
        handled_access_fs=(1 << rights) - 1,
        handled_access_net=_BIND_AND_CONNECT if version >= _TCP_SINCE else 0,
        scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0,
    )
    ruleset = _check(
        libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(_known_size(version)), 0)
    )
    try:
        if readable is not None:
            file = os.open(readable, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = _PathBeneath(allowed_access=_READ_FILE, parent_fd=file)
                _check(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
            finally:
                os.close(file)
        _check(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return []


def _known_size(version: int) -> int:
    """Return how much of the ruleset a kernel knows: it refuses zeros that it doesn't, too."""
    if version >= _SCOPES_SINCE:
        return ctypes.sizeof(_Ruleset)
    return 16 if version >= _TCP_SINCE else 8


def _load(library: str) -> ctypes.CDLL | str:
    try:
        return ctypes.CDLL(library)
    except OSError:
        return library


def _restrict_calls(library: ctypes.CDLL | str) -> list[str]:
    """Deny by seccomp every system call that decoding has no use for."""
    if isinstance(library, str):
        return [f"seccomp, which denies other system calls: {library} isn't installed."]
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))
    if not context:
        raise MemoryError("seccomp")

    def rule(action: int, name: str, comparisons: Sequence[_Comparison] = ()) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return  # this libseccomp is older than the call, so that nothing here uses it
        array = (_Comparison * len(comparisons))(*comparisons)
        _check_returned(
            library.seccomp_rule_add_array(
                context, ctypes.c_uint32(action), number, len(comparisons), array
            )
        )

    try:
        for name in _ALLOWED:
            rule(_ALLOW, name)
        rule(_ALLOW, "open", [_Comparison(1, _MASKED_EQUAL, _WRITING, 0)])
        rule(_ALLOW, "openat", [_Comparison(2, _MASKED_EQUAL, _WRITING, 0)])
        for name in ("mmap", "mmap2", "mprotect"):  # memory, but no new code in it
            rule(_ALLOW, name, [_Comparison(2, _MASKED_EQUAL, mmap.PROT_EXEC, 0)])
        rule(_ALLOW, "clone", [_Comparison(0, _MASKED_EQUAL, _CLONE_THREAD, _CLONE_THREAD)])
        # Its flags lie in memory, where no filter can look; without it, threads come by clone.
        rule(_ERRNO | errno.ENOSYS, "clone3")
        rule(_ALLOW, "prctl", [_Comparison(0, _EQUAL, _PR_SET_NAME, 0)])
        rule(_ALLOW, "tgkill", [_Comparison(0, _EQUAL, os.getpid(), 0)])  # abort()
        returned = library.seccomp_load(context)
    finally:
        library.seccomp_release(context)
    if returned:
        reason = os.strerror(-returned)
        return [f"seccomp, which denies other system calls: {reason}; it needs a kernel with it."]
    return []


def _check(returned: int) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned


def _check_returned(returned: int) -> None:
    if returned < 0:
        raise OSError(-returned, os.strerror(-returned))
