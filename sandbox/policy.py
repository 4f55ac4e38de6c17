"""The policy of the box: which walls stand in which tier, what a design may use, and what is refused it.

Everything that decides what a design can reach is in this file, as plain data. How each wall is built is in
`jail.py`, `seccomp.py` and `landlock.py`; nothing there adds to what is allowed here.
"""

MIB = 2**20

# The walls, each of which can be lifted alone (the attack tests do, to see that it is the one that holds).

NAMESPACES = ("user", "mount", "pid", "network", "ipc", "uts")
"""Fresh namespaces of the kernel for every box. `mount` is the read-only view; `pid` hides every other process."""

OTHER_WALLS = (
    "capabilities",  # all dropped, for good, and no new privileges
    "descriptors",  # none but the standard three and the channel
    "environment",  # no variable
    "landlock",  # files by rule, where they cannot be hidden; signals and abstract sockets stay in the box
    "limits",  # those of LIMITS below
    "supervision",  # memory, processor time, threads and printed output, looked at from outside
    "syscalls",  # the allow-list below
)

TIERS = {
    "jail": frozenset({*NAMESPACES, *OTHER_WALLS} - {"landlock"}),
    "landlock": frozenset(OTHER_WALLS),
    "container": frozenset(
        {"capabilities", "descriptors", "environment", "limits", "supervision", "syscalls"}
    ),
    "unsafe": frozenset({"descriptors", "environment", "supervision"}),
}
"""What stands in each tier. `container` is what is added inside a container that has namespaces of its own."""

# What one box may use, whatever the task. Wall time, memory and printed output come with each job.

LIMITS = {
    "core_bytes": 0,
    "descriptors": 64,
    "threads": 32,  # by the kernel where a user namespace counts those of the box alone, and by supervision
    "pending_signals": 64,
    "locked_bytes": 0,
    "message_queue_bytes": 0,
    "stack_bytes": 8 * MIB,
    "spare_address_bytes": 1024 * MIB,  # addresses beside the job's memory; what they cost is counted, too
    "workspace_bytes": 64 * MIB,  # a tmpfs on /box that is gone with the box
    "workspace_inodes": 4096,
}
SPARE_CPU_SECONDS = 5.0
"""So much more processor time than wall time a box may use: one core's worth. Threads do not buy a second core."""

INSIDE_UID = 1000
"""Who a design is, to itself."""

FIRST_UID_OUTSIDE = 1_900_000_000
UIDS_OUTSIDE = 4096
"""Who a design is to the host when root runs the engine: users that own nothing, another for each box."""

HOST_NAME = "box"

# System calls. What is named neither here nor below, under the calls with conditions, is refused with EPERM.

ALLOWED_SYSCALLS = {
    "memory": "brk madvise mprotect mremap msync munmap membarrier",
    "threads": (
        "exit exit_group gettid rseq sched_getaffinity sched_getparam sched_getscheduler "
        "sched_yield set_robust_list set_tid_address restart_syscall arch_prctl getcpu"
    ),
    "files": (
        "access chdir close creat dup dup2 dup3 faccessat faccessat2 fallocate fchdir "
        "fstat fstatfs ftruncate getcwd getdents getdents64 lseek lstat "
        "mkdir mkdirat newfstatat open openat pread64 preadv pwrite64 pwritev read readlink readlinkat readv rename "
        "renameat renameat2 rmdir sendfile stat statfs statx umask unlink unlinkat write writev"
    ),
    "waiting": (
        "clock_nanosleep epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 nanosleep pause pipe "
        "pipe2 poll ppoll pselect6 select wait4 waitid"
    ),
    "channel": "getpeername getsockname recvfrom recvmsg sendto shutdown",
    "signals": (
        "alarm getitimer rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigtimedwait "
        "setitimer sigaltstack"
    ),
    "knowing": (
        "capget clock_getres clock_gettime getegid geteuid getgid getgroups getpgid getpgrp getpid getppid "
        "getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettimeofday getuid sysinfo time times "
        "uname"
    ),
}

REFUSED_SYSCALLS = {
    "processes": "fork vfork execve execveat",
    "sockets": "socket accept accept4 bind connect listen sendmsg sendmmsg recvmmsg setsockopt",
    "io_uring": "io_uring_setup io_uring_enter io_uring_register io_setup io_submit",
    "tracing": "ptrace process_vm_readv process_vm_writev process_madvise kcmp",
    "handles": "pidfd_open pidfd_getfd pidfd_send_signal name_to_handle_at open_by_handle_at",
    "namespaces": "unshare setns",
    "mounts": (
        "mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr quotactl"
    ),
    "kernel": (
        "bpf perf_event_open userfaultfd add_key request_key keyctl init_module finit_module delete_module "
        "kexec_load reboot syslog swapon acct iopl ioperm seccomp modify_ldt"
    ),
    "attributes": "chmod fchmod fchmodat utimensat utimes futimesat truncate",  # Landlock rules none but `truncate`
    "neighbours": "flock fadvise64 mincore fsync fdatasync",  # what one box does to a library, others see
    "nodes": "mknod mknodat link linkat symlink symlinkat chown fchown lchown fchownat setxattr",
    "shared_memory": "memfd_create memfd_secret shmget shmat shmctl msgget semget mq_open",
    "others": "sched_setaffinity sched_setscheduler sched_setattr setpriority ioprio_set setrlimit personality",
    "clocks": "clock_settime settimeofday adjtimex clock_adjtime timer_create timerfd_create",
    "identity": "setuid setgid setreuid setregid setresuid setresgid setgroups capset setsid setpgid",
}
"""Refused like everything that is not allowed, but with a name, so that a test can lift the refusal of one group."""

MISSING_SYSCALLS = "clone3 openat2 set_mempolicy mbind get_mempolicy mlock"
"""Reported as not implemented, for the libraries that then take another way."""

# Calls that are allowed with some arguments only, as `seccomp.py` writes down: clone close_range fcntl futex getsockopt
# ioctl kill mmap prctl prlimit64 socketpair tgkill.

CLONE_THREAD_FLAGS = 0x00010F00
"""CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD: a thread that shares all with its process."""

CLONE_NEW_FLAGS = 0x7E020080  # every namespace
UNSEEN_MEMORY_FLAGS = (0x21, 0x40000, 0x100)
"""MAP_SHARED with MAP_ANONYMOUS, MAP_HUGETLB, MAP_GROWSDOWN: memory no supervisor sees in full, or no limit counts."""

FUTEX_PRIVATE = 0x80
SHARED_FUTEX_REQUESTS = (0, 9)
"""FUTEX_WAIT, FUTEX_WAIT_BITSET, to join threads; to wake others could reach another box."""

TERMINAL_REQUESTS = (0x5401, 0x5421, 0x5450, 0x5451, 0x541B)  # TCGETS FIONBIO FIONCLEX FIOCLEX FIONREAD
FILE_REQUESTS = (0, 1, 2, 3, 4, 1030)
"""fcntl: duplicate, flags; no locks to signal with, no owner to send signals to."""

SOCKET_OPTIONS = (
    3,
    4,
    38,
    39,
)  # SO_TYPE SO_ERROR SO_PROTOCOL SO_DOMAIN; no handle on who is at the other end
CLOSE_RANGE_FLAGS = (0,)  # not CLOSE_RANGE_UNSHARE, which gives a thread descriptors of its own
PRCTL_REQUESTS = (15, 16, 3)  # PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE
KILLING_SIGNALS = (
    9,
    19,
)  # SIGKILL, SIGSTOP: refused to itself, too, so that only others' doing looks like them
AF_UNIX = 1
