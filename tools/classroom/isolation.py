"""A process that can do nothing but compute: what runs in it is a stranger's code.

Only for Linux, with what its kernel has: user, mount, process, network and other namespaces, a
file system of its own in which everything from outside is read-only, limits of resources, and a
filter of system calls. No program has to be installed, and no superuser is needed.

Two steps. :func:`enter` is called by a process of the course's own before it reads anything of a
student's. :func:`lock` is called in a child of it, just before the student's code begins.
"""

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from pathlib import Path

# numbers of <linux/sched.h>, <sys/mount.h>, <linux/prctl.h>, <linux/mount.h>
NEW_NAMESPACES = {
    "user": 0x10000000,
    "mount": 0x00020000,
    "process": 0x20000000,
    "network": 0x40000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
}
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY = 2, 4, 8, 1
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR = 1 | 2 | 4  # read-only, no set-uid programs, no devices
AT_RECURSIVE, AT_FDCWD, MOUNT_SETATTR = 0x8000, -100, 442
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 1, 24, 38, 22
CAPSET = {"x86_64": 126, "aarch64": 91}

# What no answer needs, by number of the call on x86-64 and on 64-bit ARM.
FORBIDDEN = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "kill": (62, 129),
    "msgget": (68, 186),
    "semget": (64, 190),
    "shmget": (29, 194),
    "ptrace": (101, 117),
    "rt_sigqueueinfo": (129, 138),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "mount": (165, 40),
    "umount2": (166, 39),
    "init_module": (175, 105),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "rt_tgsigqueueinfo": (297, 240),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "memfd_create": (319, 279),
    "bpf": (321, 280),
    "execveat": (322, 281),
    "userfaultfd": (323, 282),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "memfd_secret": (447, 447),
}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
CLONE_THREAD = 0x00010000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
ROOM = 32  # MB of files that an answer may write, all of them together


libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


def call(name, *arguments):
    """Call a function of the C library; an error of the system becomes Python's."""
    if getattr(libc, name)(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def mount(source, target, kind=None, flags=0, data=None):
    """Mount something; texts may be None."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, data)]
    call("mount", words[0], words[1], words[2], flags, words[3])


def cannot():
    """Return why a stranger's code cannot be kept apart here, in one line; None if it can."""
    if sys.platform != "linux":
        return f"{platform.system()} has none of the means of Linux; use a Linux machine"
    if platform.machine() not in ARCHITECTURES:
        return f"the filter of system calls is not written for {platform.machine()}"
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            call("unshare", sum(NEW_NAMESPACES.values()))
            Path("/proc/self/setgroups").write_text("deny")
            mount(None, "/", None, MS_REC | MS_PRIVATE)
        except OSError as error:
            code = error.errno or 1
        finally:
            os._exit(min(code, 255))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return None
    said = f"user namespaces do not work here ({errno.errorcode.get(code, code)})"
    ubuntu = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    if ubuntu.exists() and ubuntu.read_text().strip() == "1":
        return said + ": `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows them"
    return said + ", as in most containers; use the machine itself"


def enter(root, readable):
    """Move this process, which must have one thread, into a world of its own.

    Returns in a new process, the first of its world, which ends when the caller does.

    Parameters
    ----------
    root : str
        An empty folder, over which the new file system is mounted, seen by this process alone.
    readable : list of str
        What can be read there, under the same names. The system's programs and the devices that
        Python needs are added.
    """
    user, group = os.getuid(), os.getgid()
    call("unshare", sum(NEW_NAMESPACES.values()))
    for name, text in {
        "setgroups": "deny",
        "uid_map": f"0 {user} 1",
        "gid_map": f"0 {group} 1",
    }.items():
        Path(f"/proc/self/{name}").write_text(text)
    call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)
    child = os.fork()  # only a child is in the new namespace of processes
    if child:
        os.closerange(0, 256)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755,nr_inodes=2000")
    for name in ("tmp", "proc", "old"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    mount("tmpfs", f"{root}/tmp", "tmpfs", MS_NOSUID | MS_NODEV, f"size={ROOM}m,nr_inodes=2000")
    for path in (*SYSTEM, *readable, *DEVICES):
        show(path, root)
    with contextlib.suppress(OSError):  # inside some containers; nothing here depends on it
        mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    machine = platform.machine()
    pivot = libc.syscall(PIVOT_ROOT[machine], os.fsencode(root), os.fsencode(f"{root}/old"))
    if pivot < 0:
        raise OSError(ctypes.get_errno(), "pivot_root failed")
    os.chdir("/tmp")
    call("umount2", b"/old", MNT_DETACH)
    os.rmdir("/old")
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    libc.sethostname(b"answers", 7)
    drop_powers()


def show(path, root):
    """Mount a file or a folder read-only at the same place below ``root``."""
    if not os.path.exists(path) or os.path.lexists(root + path):
        return
    target = root + path
    if os.path.islink(path) and path in SYSTEM:  # /lib is a link to usr/lib
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    mount(path, target, None, MS_BIND | MS_REC)
    attributes = struct.pack("QQQQ", 1 | 2 | (0 if path in DEVICES else 4), 0, 0, 0)
    words = (MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, 32)
    if libc.syscall(*words) < 0:
        raise OSError(ctypes.get_errno(), f"{path} cannot be made read-only")


def drop_powers():
    """Give up what a superuser, or the first process of a namespace, may do, for good."""
    for power in range(64):
        libc.prctl(PR_CAPBSET_DROP, power, 0, 0, 0)
    header = struct.pack("Ii", 0x20080522, 0)  # version 3, this process
    if libc.syscall(CAPSET[platform.machine()], header, bytes(24)) < 0:
        raise OSError(ctypes.get_errno(), "the powers cannot be dropped")
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def lock(seconds, megabytes):
    """Set the limits of a stranger's code and forbid all that no answer needs, for good.

    ``megabytes`` of memory come on top of what this process has mapped already.
    """
    mapped = 4_000_000_000  # more than any notebook maps, where there is no /proc to ask
    with contextlib.suppress(OSError):
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for what, most in {
        "AS": mapped + megabytes * 1_000_000,
        "CPU": int(seconds) + 1,
        "FSIZE": ROOM * 1_000_000,
        "NOFILE": 64,
        "NPROC": 64,
        "CORE": 0,
        "MSGQUEUE": 0,
    }.items():
        number = getattr(resource, f"RLIMIT_{what}")
        resource.setrlimit(number, (most, most))
    drop_powers()
    program = filter_of(platform.machine())
    kept = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(kept))
    call("prctl", PR_SET_SECCOMP, 2, ctypes.c_char_p(described), 0, 0)


def filter_of(machine):
    """Return the filter of system calls, as a program of the kernel's packet filter.

    What is forbidden fails with "operation not permitted". New processes are forbidden, threads
    are not: of ``clone`` the flags are looked at, and ``clone3``, whose flags cannot be, is said
    not to exist.
    """
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, end = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
    unknown = 0x00050000 | errno.ENOSYS
    column = list(ARCHITECTURES).index(machine)
    step = lambda code, value, yes=0, no=0: struct.pack("HBBI", code, yes, no, value)  # noqa: E731
    program = [
        step(load, 4),  # the architecture
        step(equal, ARCHITECTURES[machine], 1, 0),
        step(give, end),
        step(load, 0),  # the number of the call
        step(at_least, 0x40000000, 0, 1),  # a second set of numbers on x86-64
        step(give, refuse),
        step(equal, CLONE3, 0, 1),
        step(give, unknown),
        step(equal, CLONE[machine], 0, 4),
        step(load, 16),  # the flags
        step(any_bit, CLONE_THREAD, 0, 1),
        step(give, allow),
        step(give, refuse),
    ]
    for numbers in FORBIDDEN.values():
        if numbers[column] is not None:
            program += [step(equal, numbers[column], 0, 1), step(give, refuse)]
    return b"".join([*program, step(give, allow)])
