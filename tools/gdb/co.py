"""Parked coroutines in gdb:  source tools/gdb/co.py

    co list             every coroutine of every worker: name, where it waits, its group, its note
    co bt [NAME]        the stack of each parked one (whose name contains NAME)
    co bt 0xADDRESS     of this one

Works on a running process (attach) and on a core; also non-interactively:
    gdb -p PID -batch -ex 'source tools/gdb/co.py' -ex 'co bt'

The layout it relies on: struct co and struct loop in src/runtime/loop_internal.h; each loop is the thread-local `current`
of src/runtime/loop.c; a parked stack, from its saved pointer upwards, is what context_switch() pushed
(src/runtime/context_amd64.S, context_arm64.S).
"""
import gdb

# Offset of each saved register from the saved stack pointer, and how far above it the caller's frame begins.
AMD64 = ({"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40, "rbp": 48, "rip": 56}, "rsp", 64)
ARM64 = ({**{f"x{19 + i}": 8 * i for i in range(11)}, "pc": 88}, "sp", 176)


def word(address):
    return int(gdb.parse_and_eval(f"*(unsigned long *){address:#x}"))


def layout():
    return ARM64 if "aarch64" in gdb.selected_inferior().architecture().name() else AMD64


def entries(head, type_name, member):
    """The objects of an intrusive list: struct list links them through `member`."""
    kind = gdb.lookup_type(type_name)
    offset = next(f.bitpos // 8 for f in kind.fields() if f.name == member)
    end, node = int(head.address), int(head["next"])
    while node != end and node:
        yield gdb.Value(node - offset).cast(kind.pointer()).dereference()
        node = word(node)


def text(pointer):
    return pointer.string() if int(pointer) else ""


def loops():
    """(thread, loop) of every worker."""
    keep = gdb.selected_thread()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            try:
                current = gdb.parse_and_eval("'loop.c'::current")
                if int(current):
                    yield thread, current.dereference()
            except gdb.error:
                continue   # a thread without thread-local storage of ours
    finally:
        if keep and keep.is_valid():
            keep.switch()


def coroutines():
    for thread, loop in loops():
        for co in entries(loop["all"], "struct co", "all"):
            yield thread, loop, co


def describe(loop, co):
    state = "runs" if int(loop["running"]) == int(co.address) else f"waits at {text(co['where'])}" if int(co["where"]) else "ready"
    note = text(co["note"])
    return f"{int(co.address):#x} worker {int(loop['index'])} {text(co['name'])}: {state}" + (f" ({note})" if note else "")


def backtrace(co):
    """Shows the registers of the parked stack to gdb for as long as it prints."""
    saved, stack, size = layout()
    sp = int(co["context"]["sp"])
    names = [*saved, stack]
    before = {name: int(gdb.parse_and_eval(f"(unsigned long)${name}")) for name in names}
    gdb.execute("frame 0", to_string=True)
    try:
        for name, offset in saved.items():
            gdb.execute(f"set ${name} = {word(sp + offset):#x}", to_string=True)
        gdb.execute(f"set ${stack} = {sp + size:#x}", to_string=True)
        gdb.execute("backtrace 40")
    finally:
        for name, value in before.items():
            gdb.execute(f"set ${name} = {value:#x}", to_string=True)


def backtrace_of_core(co):
    """A core has registers that cannot be set: walks the frame pointers, which every build keeps."""
    saved, _, _ = layout()
    sp = int(co["context"]["sp"])
    frame, pc = (word(sp + saved[n]) for n in (("rbp", "rip") if "rip" in saved else ("x29", "pc")))
    for depth in range(40):
        print(f"#{depth:<2} {gdb.execute(f'info symbol {pc:#x}', to_string=True).split(' in section')[0].strip()}")
        if not frame:
            break
        try:
            frame, pc = word(frame), word(frame + 8)
        except gdb.MemoryError:
            break


class Co(gdb.Command):
    """Coroutines: co list, co bt [NAME or ADDRESS]."""

    def __init__(self):
        super().__init__("co", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        words = gdb.string_to_argv(argument) or ["list"]
        wanted = words[1] if len(words) > 1 else ""
        if words[0] not in ("list", "bt"):
            raise gdb.GdbError("co list | co bt [NAME or ADDRESS]")
        count = 0
        for thread, loop, co in list(coroutines()):
            if wanted.startswith("0x"):
                if int(co.address) != int(wanted, 16):
                    continue
            elif wanted not in text(co["name"]):
                continue
            count += 1
            print(describe(loop, co))
            if words[0] == "bt" and int(co["where"]):
                thread.switch()
                if gdb.selected_inferior().pid and self.is_live():
                    backtrace(co)
                else:
                    backtrace_of_core(co)
        print(f"{count} coroutines")

    @staticmethod
    def is_live():
        return "core" not in gdb.execute("info target", to_string=True).split("\n", 1)[0].lower()


Co()
