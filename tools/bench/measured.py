"""Runs a command in a process of its own and measures it from outside: wall-clock seconds and peak resident memory."""
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Measured:
    seconds: float
    peak_bytes: int
    output: str


def peak_of(pid):
    """The kernel's own high-water mark. (getrusage of a child also counts what its parent held before exec.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def run(command, timeout=3600):
    """Raises RuntimeError with what the command said when it fails."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+", errors="replace") as said:  # a pipe that nobody reads would stop a command of many words
        process = subprocess.Popen([str(word) for word in command], stdout=said, stderr=subprocess.STDOUT)
        peak = 0
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.02)
            if time.perf_counter() - start > timeout:
                process.kill()
        seconds = time.perf_counter() - start
        said.seek(0)
        output = said.read()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} failed ({process.returncode}): {output[-400:]}")
    return Measured(seconds, peak, output)
