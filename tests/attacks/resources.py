"""Attacks 1 to 26: using so much that others, or the night, suffer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.designs import network
from support.scoring import evaluate

from agentarch.evaluation import Outcome
from attacks.contract import BREACH, Attack
from attacks.trying import trying

SCORED, INVALID, TIMEOUT = Outcome.SCORED, Outcome.INVALID, Outcome.TIMEOUT
OUT_OF_MEMORY, OUTPUT_LIMIT = Outcome.OUT_OF_MEMORY, Outcome.OUTPUT_LIMIT
PROCESSES = "syscalls.processes"
SHORT, LONG = 1.5, 30.0


def no_device() -> str:
    return "" if Path("/dev/nvidia0").exists() else "this machine has no CUDA device"


def given_time(source: str) -> Callable[..., None]:
    """Return a check that a design which takes too long gets through when it is given the time."""

    def check(executor) -> None:
        assert BREACH in evaluate(source, executor, LONG).output

    return check


def dies_alone(code: str) -> Callable[..., None]:
    """Return a check that some code kills the process it is in."""

    def check(executor) -> None:
        assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode < 0

    return check


def endless(number: int, name: str, build: str) -> Attack:
    """Return an attack that holds a box for a few seconds, with less time than it wants."""
    source = trying(
        "seconds()",
        top="time, re, signal = (import_(n) for n in ('time', 're', 'signal'))",
        build=f"""
    def seconds():
{_indented(build, 8)}
    globals()["seconds"] = seconds
    """,
    )
    return Attack(number, name, source, (TIMEOUT,), unguarded=given_time(source), wall_seconds=SHORT)


def _indented(lines: str, by: int) -> str:
    return "\n".join(" " * by + line for line in lines.splitlines())


def greedy(action: str, top: str, outcomes: tuple[Outcome, ...] = (OUT_OF_MEMORY,), **more) -> Attack:
    return {"source": trying(action, top=top), "outcomes": outcomes, "memory_mib": 600, **more}


_FORKS = """
time = import_("time")

def hundred_processes():
    for count in range(100):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return count + 1

def doubling_processes():
    counted, counting = os.pipe()
    for _ in range(7):
        os.fork()
        os.write(counting, b"1")
    if os.getpid() != 1:
        time.sleep(20)
        os._exit(0)
    time.sleep(3)
    if len(os.read(counted, 1000)) < 200:
        raise OSError("too few processes")
"""

_MEMORY = """
time = import_("time")

def gigabyte():
    hoard = [b"x" * 2**24 for _ in range(64)]
    return len(hoard)

def shared_gigabyte():
    hoard = mmap.mmap(-1, 2**30)
    for start in range(0, 2**30, 4096):
        hoard[start] = 1
    return len(hoard)

def hidden_gigabyte():
    hoard = mmap.mmap(-1, 2**30)
    for start in range(0, 2**30, 2**24):
        hoard[start:start + 2**24] = b"x" * 2**24
        hoard.madvise(mmap.MADV_DONTNEED)
    return hoard[-1]

def gigabyte_of_tables():
    size, step = 2**39, 2**21  # one table of 4 KiB for each page that is only looked at
    hoard = mmap.mmap(-1, size, flags=0x4022, prot=mmap.PROT_READ)
    return sum(hoard[start] for start in range(0, size, step)) + size // step

def gigabyte_in_processes():
    told, telling = os.pipe()
    for _ in range(8):
        if os.fork() == 0:
            hoard = b"x" * (2**27)
            os.write(telling, b"1")
            time.sleep(20)
    while len(os.read(told, 8)) and not time.sleep(1):
        return "a gigabyte"
"""

_FILES = """
folder = "/box" if os.path.isdir("/box") else "/tmp"
mine = f"{folder}/attack-{os.urandom(6).hex()}"  # designs of several tests may be at it in one folder

def megabytes(files, size):
    names = [f"{mine}-{number}" for number in range(files)]
    try:
        for name in names:
            with open(name, "wb") as file:
                for _ in range(size):
                    file.write(bytes(2**20))
    finally:
        for name in names:
            if os.path.exists(name):
                os.unlink(name)
    return files * size

def empty_files():
    made = []
    try:
        for number in range(5000):
            os.close(os.open(f"{mine}-{number}", os.O_CREAT | os.O_WRONLY))
            made.append(number)
    finally:
        for number in made:
            os.unlink(f"{mine}-{number}")
    return len(made)

def sparse_terabyte():
    with open(mine, "wb") as file:
        try:
            os.ftruncate(file.fileno(), 2**40)
        finally:
            os.unlink(mine)

def memory_file():
    file = os.memfd_create("attack")
    for _ in range(80):
        os.write(file, bytes(2**20))

def deep_folders():
    os.mkdir(mine)
    os.chdir(mine)
    depth = 0
    try:
        while depth < 5000:
            os.mkdir("attack", 0o300)
            os.chdir("attack")
            depth += 1
    finally:
        for _ in range(depth):
            os.chdir("..")
            os.rmdir("attack")
        os.chdir("..")
        os.rmdir(mine)
    return depth

def buffers():
    total = 0
    for _ in range(150):
        reader, writer = os.pipe2(os.O_NONBLOCK)
        total += os.write(writer, bytes(65536))
    return total

def socket_buffers():
    total, kept = 0, []
    for _ in range(80):
        one, other = socket.socketpair()
        kept.append((one, other))
        one.setblocking(False)
        try:
            while True:
                total += one.send(bytes(65536))
        except BlockingIOError:
            pass
    return total
"""

_FLOOD = """
def flood(number, piece):
    for _ in range(40):
        os.write(number, piece * 2**16)
    os.write(2, b"\\n")
"""

_OUTSIDE = ("mount", "limits")

RESOURCES: tuple[Attack, ...] = (
    Attack(
        1,
        "a_fork_bomb",
        trying("hundred_processes()", top=_FORKS),
        (SCORED,),
        lifted=(PROCESSES, "limits", "supervision"),
    ),
    Attack(
        1,
        "a_fork_bomb_past_the_filter",
        trying("hundred_processes()", top=_FORKS),
        (SCORED, INVALID, OUT_OF_MEMORY),
        also_lifted=(PROCESSES,),
        lifted=("limits", "supervision"),
    ),
    Attack(
        2,
        "a_doubling_fork_bomb_beside_a_neighbour",
        trying("doubling_processes()", top=_FORKS),
        (SCORED, INVALID, OUT_OF_MEMORY),
        also_lifted=(PROCESSES,),
        lifted=("limits", "supervision"),
    ),
    Attack(
        3,
        "a_thread_bomb",
        trying(
            "threads()",
            top="""
            def threads():
                threading, time = import_("threading"), import_("time")
                for count in range(100):
                    threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
                time.sleep(0.2)
            """,
        ),
        (SCORED, INVALID),
        lifted=("limits", "supervision"),
    ),
    Attack(
        4,
        "memory_in_one_process",
        **greedy("gigabyte()", _MEMORY, lifted=("limits", "supervision"), outcomes=(OUT_OF_MEMORY, SCORED)),
    ),
    Attack(
        5,
        "memory_over_many_processes",
        **greedy("gigabyte_in_processes()", _MEMORY, also_lifted=(PROCESSES,), lifted=("supervision",)),
    ),
    Attack(
        6,
        "shared_memory",
        **greedy("hidden_gigabyte()", _MEMORY, (SCORED,), lifted=("syscalls.shared_memory",)),
    ),
    Attack(
        6,
        "shared_memory_past_the_filter",
        **greedy(
            "shared_gigabyte()", _MEMORY, also_lifted=("syscalls.shared_memory",), lifted=("supervision",)
        ),
    ),
    Attack(
        4,
        "tables_of_memory",
        **greedy("gigabyte_of_tables()", _MEMORY, (SCORED,), lifted=("limits", "supervision")),
    ),
    Attack(
        4,
        "tables_of_memory_that_the_kernel_allows",
        **greedy("gigabyte_of_tables()", _MEMORY, also_lifted=("limits",), lifted=("supervision",)),
    ),
    Attack(
        4,
        "memory_of_a_thread_whose_process_seems_to_have_ended",
        **greedy(
            "leader()",
            """
            time, threading = import_("time"), import_("threading")

            def hoarder():
                kept = []
                for _ in range(64):
                    kept.append(b"x" * 2**24)
                    time.sleep(0.02)
                print("BREACH: holds", len(kept) * 16, "MiB", flush=True)
                time.sleep(1)
                call("exit_group", 0)

            def leader():
                threading.Thread(target=hoarder).start()
                call("exit", 0)
            """,
            also_lifted=("limits",),
            lifted=("supervision",),
        ),
    ),
    Attack(
        6,
        "a_file_in_memory",
        trying("memory_file()", "os.listdir('/dev/shm')", top=_FILES),
        (SCORED,),
        lifted=("syscalls.shared_memory", "limits"),
    ),
    Attack(7, "one_huge_file", trying("megabytes(1, 80)", top=_FILES), (SCORED,), lifted=_OUTSIDE),
    Attack(8, "many_medium_files", trying("megabytes(80, 1)", top=_FILES), (SCORED,), lifted=_OUTSIDE),
    Attack(9, "many_empty_files", trying("empty_files()", top=_FILES), (SCORED,), lifted=_OUTSIDE),
    Attack(10, "a_sparse_terabyte", trying("sparse_terabyte()", top=_FILES), (SCORED,), lifted=("limits",)),
    Attack(
        11,
        "descriptors",
        trying("[os.dup(0) for _ in range(200)]"),
        (SCORED,),
        lifted=("limits",),
    ),
    Attack(12, "buffers_of_pipes", trying("buffers()", top=_FILES), (SCORED,), lifted=("limits",)),
    Attack(12, "buffers_of_sockets", trying("socket_buffers()", top=_FILES), (SCORED,), lifted=("limits",)),
    Attack(
        13,
        "a_flood_on_stdout",
        trying("flood(1, b'line of text ...')", top=_FLOOD),
        (OUTPUT_LIMIT,),
        lifted=("supervision",),
    ),
    Attack(
        14,
        "a_flood_on_stderr_without_an_end_of_line",
        trying("flood(2, b'x' * 16)", top=_FLOOD),
        (OUTPUT_LIMIT,),
        lifted=("supervision",),
    ),
    Attack(
        15,
        "a_core_dump",
        network(
            top="os = import_('os')",
            build="""
            if import_("resource").getrlimit(4)[1] != 0:
                print("BREACH: may dump its core", flush=True)
            os.abort()
            """,
        ),
        (INVALID,),
        lifted=("limits",),
    ),
    endless(16, "a_big_power", "for _ in range(4):\n    pow(7, 2_500_000) % 10"),
    endless(16, "a_regular_expression", "re.match('(a+)+$', 'a' * 27 + 'b')"),
    endless(
        16, "a_huge_sort", "for _ in range(6):\n    sorted(range(3_000_000), key=lambda one: -one % 9973)"
    ),
    endless(17, "sleeping", "time.sleep(4)"),
    Attack(
        18,
        "stopping_itself",
        trying("os.kill(os.getpid(), 19)"),
        (SCORED,),
        succeeded=lambda evaluation: evaluation.outcome is TIMEOUT,
        lifted=("pid", "syscalls.signals"),
        wall_seconds=3,
    ),
    Attack(
        18,
        "stopping_itself_past_the_filter",
        network(top="os = import_('os')", build="os.kill(os.getpid(), 19)"),
        (SCORED,),
        succeeded=lambda evaluation: evaluation.outcome is TIMEOUT,
        also_lifted=("syscalls.signals",),
        lifted=("pid",),
        wall_seconds=3,
    ),
    endless(
        19,
        "every_signal_ignored",
        """for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
time.sleep(4)""",
    ),
    Attack(
        20,
        "a_segmentation_fault",
        network(build="import_('ctypes').string_at(0)"),
        (INVALID,),
        unguarded=dies_alone("import ctypes; ctypes.string_at(0)"),
    ),
    Attack(
        20,
        "a_stack_overflow",
        network(
            build="""
            import_("sys").setrecursionlimit(10**9)
            value = []
            for _ in range(10**6): value = [value]
            repr(value)
            """
        ),
        (INVALID,),
        unguarded=dies_alone(
            "import sys; sys.setrecursionlimit(10**9)\nv = []\nfor _ in range(10**6): v = [v]\nf = lambda: f()\nrepr(v)"
        ),
    ),
    Attack(
        21,
        "abort",
        network(build="import_('os').abort()"),
        (INVALID,),
        unguarded=dies_alone("import os; os.abort()"),
    ),
    Attack(
        21,
        "an_illegal_instruction",
        network(
            build="""
            ctypes, mmap = import_("ctypes"), import_("mmap")
            page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
            page.write(bytes.fromhex("0f0b0f0b"))
            ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
            """
        ),
        (INVALID,),
        unguarded=dies_alone(
            "import ctypes, mmap; page = mmap.mmap(-1, 4096, prot=7); page.write(bytes.fromhex('0f0b0f0b')); "
            "ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()"
        ),
    ),
    Attack(22, "deep_closed_folders", trying("deep_folders()", top=_FILES), (SCORED,), lifted=_OUTSIDE),
    Attack(
        23,
        "all_memory_of_a_device",
        trying("[torch.zeros(2**28, device='cuda') for _ in range(8)]"),
        (SCORED,),
        lifted=("mount",),
        only=no_device,
    ),
    Attack(
        24,
        "a_device_that_hangs",
        trying(
            "endless_work()",
            top="""
            def endless_work():
                square = torch.ones(2048, 2048, device="cuda")
                for _ in range(10_000):
                    square = square @ square * 0
            """,
        ),
        (SCORED,),
        lifted=("mount",),
        only=no_device,
    ),
    Attack(
        25,
        "memory_of_a_device_in_a_survivor",
        trying(
            "survivor()",
            top="""
            def survivor():
                told, telling = os.pipe()
                if os.fork() == 0:
                    os.setsid()
                    kept = torch.zeros(2**28, device="cuda")
                    os.write(telling, b"1")
                    import_("time").sleep(1000)
                os.close(telling)
                if not os.read(told, 1):
                    raise OSError("there is no device")
            """,
        ),
        (SCORED,),
        also_lifted=(PROCESSES, "syscalls.identity"),
        lifted=("mount",),
        only=no_device,
    ),
    Attack(
        26,
        "workers_of_a_data_loader",
        trying(
            "workers_left_behind()",
            "next(iter(torch.utils.data.DataLoader(list(range(8)), num_workers=2)))",
            top="""
            def workers_left_behind():
                told, telling = os.pipe()
                for _ in range(2):
                    if os.fork() == 0:
                        os.write(telling, b"batch")
                        import_("time").sleep(1000)
                return os.read(told, 5)
            """,
        ),
        (SCORED,),
        lifted=(PROCESSES,),
    ),
)
