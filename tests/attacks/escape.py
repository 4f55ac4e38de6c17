"""Attacks 27 to 52: getting out of the box, and taking what is outside."""

import platform
from pathlib import Path

from agentarch.evaluation import Outcome
from attacks.contract import Attack
from attacks.trying import trying

SCORED, INVALID = Outcome.SCORED, Outcome.INVALID
NEW_USER, NEW_NETWORK, SIGCHLD = 0x10000000, 0x40000000, 17
SOCKETS = "syscalls.sockets"


def only_on_x86() -> str:
    return "" if platform.machine() == "x86_64" else "these are system calls of x86"


def only_with_su() -> str:
    return "" if Path("/bin/su").exists() else "this machine has no /bin/su"


_MACHINE_CODE = """
def run(code):
    page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""

ESCAPE: tuple[Attack, ...] = (
    Attack(
        27,
        "secrets_in_the_environment",
        trying("dict(os.environ)['PATH']"),
        (SCORED,),
        lifted=("environment",),
    ),
    Attack(
        28,
        "a_file_of_the_host",
        trying("open('{secret_file}').read()", "os.listdir('/home')"),
        (SCORED,),
        lifted=("mount",),
        needs=("secret_file",),
    ),
    Attack(
        29,
        "proc_of_the_engine",
        trying(
            *(
                f"open('/proc/{{engine_pid}}/{name}', 'rb').read()"
                for name in ("environ", "cmdline", "status", "maps")
            ),
            *(f"os.listdir('/proc/{{engine_pid}}/{name}/')" for name in ("fd", "root", "cwd")),
        ),
        (SCORED,),
        lifted=("mount",),
        needs=("engine_pid",),
    ),
    Attack(
        30,
        "inherited_descriptors",
        trying(
            "[os.fstat(number) for number in range(4, 1024) if is_open(number)][1]",
            top="""
        def is_open(number):
            try:
                os.fstat(number)
            except OSError:
                return False
            return True
        """,
        ),
        (SCORED,),
        lifted=("descriptors",),
    ),
    Attack(31, "ptrace", trying("call('ptrace', 0, 0, 0, 0)"), (SCORED,), lifted=("syscalls.tracing",)),
    Attack(
        32,
        "process_vm_writev",
        trying(
            "call('process_vm_writev', os.getpid(), here, 1, there, 1, 0)",
            build="""
            global here, there, one, other
            one, other = ctypes.create_string_buffer(b"stolen"), ctypes.create_string_buffer(6)
            here = (ctypes.c_uint64 * 2)(ctypes.addressof(one), 6)
            there = (ctypes.c_uint64 * 2)(ctypes.addressof(other), 6)
            """,
        ),
        (SCORED,),
        lifted=("syscalls.tracing",),
    ),
    Attack(
        33,
        "memory_through_proc",
        trying(
            "open('/proc/self/mem', 'r+b')",
            "open('/proc/self/maps').read()",
            "open('/proc/{engine_pid}/mem', 'rb')",
        ),
        (SCORED,),
        lifted=("mount",),
        needs=("engine_pid",),
    ),
    Attack(
        34,
        "signals_to_the_engine",
        trying("os.kill({engine_pid}, 0)", "os.kill(-1, 0)"),
        (SCORED,),
        lifted=("user", "pid", "syscalls.signals"),
        needs=("engine_pid",),
    ),
    Attack(
        34,
        "signals_past_the_filter",
        trying("os.kill({engine_pid}, 0)"),
        (SCORED,),
        also_lifted=("syscalls.signals",),
        lifted=("user", "pid"),
        needs=("engine_pid",),
    ),
    Attack(
        35,
        "tcp",
        trying("socket.create_connection(('127.0.0.1', {listener}), 2)"),
        (SCORED,),
        lifted=("network", SOCKETS),
        needs=("listener",),
    ),
    Attack(
        35,
        "udp_and_names",
        trying(
            "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {listener}))",
            "socket.getaddrinfo('localhost', 80)",
        ),
        (SCORED,),
        lifted=("network", SOCKETS),
        needs=("listener",),
    ),
    Attack(
        36,
        "a_service_on_loopback_past_the_filter",
        trying("socket.create_connection(('127.0.0.1', {listener}), 2)"),
        (SCORED,),
        also_lifted=(SOCKETS,),
        lifted=("network",),
        needs=("listener",),
    ),
    Attack(
        37,
        "abstract_unix_socket",
        trying("socket.socket(socket.AF_UNIX).connect('\\0{abstract_socket}')"),
        (SCORED,),
        lifted=("network", SOCKETS),
        needs=("abstract_socket",),
    ),
    Attack(
        37,
        "abstract_unix_socket_past_the_filter",
        trying("socket.socket(socket.AF_UNIX).connect('\\0{abstract_socket}')"),
        (SCORED,),
        also_lifted=(SOCKETS,),
        lifted=("network",),
        needs=("abstract_socket",),
    ),
    Attack(38, "af_vsock", trying("socket.socket(40)"), (SCORED,), lifted=(SOCKETS,)),
    Attack(39, "af_netlink", trying("socket.socket(16, socket.SOCK_RAW)"), (SCORED,), lifted=(SOCKETS,)),
    Attack(
        39,
        "af_packet",
        trying("socket.socket(17, socket.SOCK_RAW)"),
        (SCORED,),
        lifted=(SOCKETS, "capabilities"),
    ),
    Attack(
        39,
        "af_alg",
        trying("reaches('socket', 38, 5, 0)"),
        (SCORED,),
        lifted=(SOCKETS,),
    ),
    Attack(
        40,
        "io_uring",
        trying("call('io_uring_setup', 1, ctypes.create_string_buffer(120))"),
        (SCORED,),
        lifted=("limits", "syscalls.io_uring"),
    ),
    Attack(
        41,
        "nested_namespaces_by_unshare",
        trying(f"call('unshare', {NEW_USER})", f"call('unshare', {NEW_NETWORK})"),
        (SCORED,),
        lifted=("syscalls.namespaces",),
    ),
    Attack(
        41,
        "nested_namespaces_by_clone",
        trying(f"call('clone', {NEW_USER | SIGCHLD}, 0, 0, 0, 0) or os._exit(0)"),
        (SCORED,),
        lifted=("syscalls.namespaces",),
    ),
    Attack(
        41,
        "nested_namespaces_by_clone3",
        trying(
            "call('clone3', request, 64) or os._exit(0)",
            build=f"""
        global request
        request = (ctypes.c_uint64 * 8)({NEW_USER}, 0, 0, 0, {SIGCHLD})
        """,
        ),
        (SCORED,),
        lifted=("syscalls",),
    ),
    Attack(
        42,
        "mount",
        trying("call('mount', b'x', b'/box', b'tmpfs', 0, None)"),
        (SCORED,),
        lifted=("capabilities", "syscalls.mounts"),
    ),
    Attack(
        42,
        "chroot_and_pivot_root",
        trying("call('pivot_root', b'/box', b'/box')", "call('chroot', b'/box')"),
        (SCORED,),
        lifted=("capabilities", "syscalls.mounts"),
    ),
    Attack(
        42,
        "the_new_mount_calls",
        trying("call('fsopen', b'tmpfs', 0)", "call('open_tree', -100, b'/', 1)"),
        (SCORED,),
        lifted=("capabilities", "syscalls.mounts"),
    ),
    Attack(
        43,
        "a_setuid_program",
        trying("import_('subprocess').run(['/bin/su', '--version'], check=True)"),
        (SCORED,),
        lifted=("mount", "syscalls.processes"),
        only=only_with_su,
    ),
    Attack(
        44,
        "nodes_and_hard_links",
        trying(
            "os.mkfifo('attack-fifo')",
            "os.link('/box/attack-file', '/box/attack-link')",
            build="open('/box/attack-file', 'w').close()",
        ),
        (SCORED,),
        lifted=("syscalls.nodes",),
    ),
    Attack(
        45,
        "the_root_through_proc",
        trying("os.listdir('/proc/self/root/etc')", "os.listdir('/box/../../etc')", "os.listdir('/..//etc')"),
        (SCORED,),
        lifted=("mount",),
    ),
    Attack(
        45,
        "a_library_of_its_own",
        trying(
            "load()",
            top="""
        def load():
            source = os.path.join(os.path.dirname(torch.__file__), "lib", "libc10.so")
            for folder in ("/box", "/tmp"):
                path = f"{folder}/attack-library-{os.getuid()}.so"
                try:
                    with open(source, "rb") as original, open(path, "wb") as copy:
                        copy.write(original.read())
                    return ctypes.CDLL(path)
                except OSError as error:
                    problem = error
                finally:
                    if os.path.exists(path):
                        os.unlink(path)
            raise problem
        """,
        ),
        (SCORED,),
        lifted=("mount", "limits"),
    ),
    Attack(
        46,
        "kernel_interfaces",
        trying(
            "reaches('bpf', -1, 0, 0)",
            "reaches('perf_event_open', 0, 0, -1, -1, 0)",
            "reaches('userfaultfd', 1)",
            "reaches('keyctl', 0, -3, 0)",
            "reaches('add_key', 0, 0, 0, 0, 0)",
        ),
        (SCORED,),
        lifted=("syscalls.kernel",),
    ),
    Attack(
        47,
        "tiocsti",
        trying("reaches('ioctl', 0, 0x5412, b'x')"),
        (SCORED,),
        lifted=("syscalls",),
    ),
    Attack(
        48,
        "calls_of_32_bits",
        trying("run(bytes.fromhex('b814000000cd80c3'))", top=_MACHINE_CODE),
        (INVALID,),
        lifted=("syscalls",),
        only=only_on_x86,
    ),
    Attack(
        48,
        "calls_of_x32",
        trying("reaches(0x40000000 | NUMBER['getpid'])"),
        (INVALID,),
        lifted=("syscalls",),
        only=only_on_x86,
    ),
    Attack(
        49,
        "raising_its_own_limits",
        trying(
            "import_('resource').setrlimit(7, (512, 512))",
            "import_('resource').prlimit(0, 7, (512, 512))",
        ),
        (SCORED,),
        lifted=("limits", "syscalls"),
    ),
    Attack(
        49,
        "raising_its_own_limits_past_the_filter",
        trying("import_('resource').setrlimit(7, (512, 512))"),
        (SCORED,),
        also_lifted=("syscalls",),
        lifted=("limits",),
    ),
    Attack(
        50,
        "a_daemon",
        trying(
            "daemon()",
            top="""
        def daemon():
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    import_("time").sleep(1000)
                os._exit(0)
            os.wait()
        """,
        ),
        (SCORED,),
        lifted=("syscalls.processes", "syscalls.identity"),
    ),
    Attack(
        52,
        "handles_of_files",
        trying("reaches('name_to_handle_at', -100, b'/', 0, 0, 0)", "reaches('open_by_handle_at', -1, 0, 0)"),
        (SCORED,),
        lifted=("syscalls.handles",),
    ),
    Attack(
        52,
        "descriptors_of_processes",
        trying("call('pidfd_getfd', call('pidfd_open', os.getpid(), 0), 1, 0)"),
        (SCORED,),
        lifted=("syscalls.handles",),
    ),
    Attack(
        52,
        "a_handle_on_who_is_at_the_other_end",
        trying(
            "channel().getsockopt(1, 77)",
            top="""
        def channel():
            for number in range(3, 64):
                try:
                    return socket.socket(fileno=os.dup(number))
                except OSError:
                    continue
        """,
        ),
        (SCORED,),
        lifted=("syscalls",),
    ),
    Attack(
        52,
        "threads_with_descriptors_of_their_own",
        trying("call('close_range', 60, 60, 2)", "reaches('clone', 0x411900, 0, 0, 0, 0)"),
        (SCORED,),
        lifted=("syscalls",),
    ),
)
