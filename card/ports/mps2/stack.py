#!/usr/bin/env python3
"""stack.py NAME.elf CALLS FOLDER ...: an upper bound of the firmware's stack, in bytes, and the path that needs it.

Frames and calls come from the compiler (-fcallgraph-info=su) for all that it compiled, in *.ci files under the
folders, and from the disassembly for the few functions that come compiled (libc, libgcc); NAME.map says what is linked. CALLS says for the
functions that call through pointers (first column) whom they may call (after four spaces); one that is missing there is an error, as are recursion
and frames of unknown size.

Prints two lines: "stack_bound N" and "path CALLER ... CALLEE" with the bytes of each.
"""
import fnmatch
import os
import re
import struct
import subprocess
import sys

INDIRECT = "__indirect_call"
EXCEPTION_FRAME = 36  # ARMv8-M: eight registers, and four bytes to align it
WORD = 4
HANDLERS = ["counter_wrapped", "counter_tripped"]
VECTORS = HANDLERS + ["firmware_start", "fault"]


class Graph:
    def __init__(self):
        self.frame = {}  # title -> bytes
        self.calls = {}  # title -> set of titles
        self.unbounded = set()

    def add_file(self, path):
        with open(path, encoding="utf-8") as f:
            for line in f:
                node = re.match(r'node: \{ title: "([^"]*)" label: "([^"]*)"', line)
                edge = re.match(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', line)
                if node:
                    self.add_node(node.group(1), node.group(2))
                elif edge:
                    self.calls.setdefault(edge.group(1), set()).add(edge.group(2))

    def add_node(self, title, label):
        size = re.search(r"(\d+) bytes \(([a-z,]+)\)", label)
        if not size:
            return
        self.frame[title] = max(int(size.group(1)), self.frame.get(title, 0))
        if size.group(2) == "dynamic":
            self.unbounded.add(title)


def name_of(title):
    return title.rsplit(":", 1)[-1]


def functions(elf):
    """Name and address of every function in the program."""
    out = subprocess.run(["arm-none-eabi-readelf", "-sW", elf], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {r[7]: int(r[1], 16) for r in rows if len(r) == 8 and r[3] == "FUNC" and r[6] != "UND"}


def linked_objects(map_file):
    """Names of the object files, without .o, that are in the program."""
    with open(map_file, encoding="utf-8") as f:
        return set(re.findall(r"([^/(\s]+)\.o\)?$", f.read(), re.MULTILINE))


def registers(text):
    """How many registers a list {r4, r5-r7, lr} names."""
    count = 0
    for item in text.split(","):
        ends = re.findall(r"\d+", item)
        count += int(ends[1]) - int(ends[0]) + 1 if "-" in item else 1
    return count


def disassembled(elf, name):
    """Frame and callees of a function that came compiled."""
    out = subprocess.run(["arm-none-eabi-objdump", "-d", "--no-show-raw-insn", "--disassemble=" + name, elf],
                         check=True, capture_output=True, text=True).stdout
    frame, calls = 0, set()
    for line in out.splitlines():
        push = re.search(r"\t(?:push|stmdb\tsp!,|str\.w\t\w+, \[sp, #-\d+\]!)(?:\.w)?\s*(?:\{(.*)\})?", line)
        sub = re.search(r"\tsub(?:\.w|w)?\tsp, (?:sp, )?#(\d+)", line)
        call = re.search(r"\tb(?:l|\.w|\.n)?\t[0-9a-f]+ <([^+>]+)>", line)
        if push:
            frame += WORD * (registers(push.group(1)) if push.group(1) else 2)
        if sub:
            frame += int(sub.group(1))
        if call and call.group(1) != name:
            calls.add(call.group(1))
    return frame, calls


def read_calls(path):
    table = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            callers, _, callees = line.split("#")[0].rstrip().partition("    ")
            for caller in callers.split():
                table.setdefault(caller, []).extend(callees.split())
    return table


def addresses_taken(elf, image):
    """Functions whose address stands anywhere in the program: vectors, tables, literals."""
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-R", ".stack", "-R", ".bss", elf, image], check=True)
    with open(image, "rb") as f:
        words = {w for (w,) in struct.iter_unpack("<I", f.read()[: os.path.getsize(image) // 4 * 4])}
    os.remove(image)
    return {name for name, address in functions(elf).items() if address | 1 in words}


class Bound:
    def __init__(self, graph, elf, table):
        self.graph, self.elf, self.table = graph, elf, table
        self.linked = set(functions(elf))
        self.done, self.open, self.errors = {}, [], set()
        self.by_name = {}
        for title in graph.frame:
            if name_of(title) in self.linked:
                self.by_name.setdefault(name_of(title), []).append(title)

    def callees(self, title):
        out = set()
        for callee in self.graph.calls.get(title, ()):
            if callee == INDIRECT:
                out |= self.indirect(title)
            elif callee in self.graph.frame or name_of(callee) in self.linked:
                out.add(callee)
        return out

    def indirect(self, title):
        patterns = self.table.get(name_of(title))
        if patterns is None:
            self.errors.add(f"{name_of(title)} calls through a pointer and is not in the table")
            return set()
        return {t for p in patterns for n, ts in self.by_name.items() if fnmatch.fnmatchcase(n, p) for t in ts}

    def check_table(self, image):
        """Every function that can be called through a pointer must be in somebody's list."""
        patterns = [p for callees in self.table.values() for p in callees] + VECTORS
        for name in addresses_taken(self.elf, image):
            if not any(fnmatch.fnmatchcase(name, p) for p in patterns):
                self.errors.add(f"the address of {name} is taken, and the table does not say by whom it is called")

    def resolve(self, title):
        """Adds what the compiler did not tell about."""
        if title not in self.graph.frame:
            self.graph.frame[title], self.graph.calls[title] = disassembled(self.elf, title)
        if title in self.graph.unbounded:
            self.errors.add(f"{name_of(title)} has a frame of unknown size")

    def depth(self, title):
        """Bytes, and path, of the deepest chain of calls from here."""
        if title in self.done:
            return self.done[title]
        if title in self.open:
            self.errors.add("recursion: " + " ".join(map(name_of, self.open + [title])))
            return 0, []
        self.resolve(title)
        self.open.append(title)
        deepest = max((self.depth(c) for c in sorted(self.callees(title))), default=(0, []), key=lambda d: d[0])
        self.open.pop()
        size = self.graph.frame[title]
        self.done[title] = size + deepest[0], [(name_of(title), size)] + deepest[1]
        return self.done[title]


def main():
    elf, calls, folders = sys.argv[1], sys.argv[2], sys.argv[3:]
    graph, objects = Graph(), linked_objects(elf[: -len(".elf")] + ".map")
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                if name.endswith(".ci") and name[:-3] in objects:
                    graph.add_file(os.path.join(place, name))
    sys.setrecursionlimit(10000)
    bound = Bound(graph, elf, read_calls(calls))
    start, path = bound.depth("firmware_start")
    handlers = max(bound.depth(h)[0] for h in HANDLERS)
    bound.check_table(elf + ".image")
    for error in sorted(bound.errors):
        print("stack.py: " + error, file=sys.stderr)
    print(f"stack_bound {start + EXCEPTION_FRAME + handlers}")
    print("path " + " ".join(f"{name}:{size}" for name, size in path))
    return 1 if bound.errors else 0


sys.exit(main())
