"""A file with every kind of dirt that exports have, the same one each time.

``python -m benchmarks._dirty FILE ROWS`` writes it.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

HEADER = b"\xef\xbb\xbfE-Mail,Name,Joined,Points,Tags\r\n"
CYCLE = 1_000  # rows: 39 of them are dirty
LONG_CELL = b"x" * 150_000


def _row(address: str, name: str = "Dewi Anggraini", joined: str = "2026-03-31") -> bytes:
    return f'{address},{name},{joined},12,"vip; kopi"\r\n'.encode()


# Place in the cycle: what it does to the row, and the bytes for row n.
DIRT: dict[int, tuple[str, Callable[[int], bytes]]] = {
    11: ("invalid", lambda n: _row(f"person{n}(at)example.com")),
    22: ("invalid", lambda n: _row(f"person {n}@example.com")),
    33: ("invalid", lambda n: _row(f"a@person{n}@example.com")),
    44: ("invalid", lambda n: _row(f"person{n}@localhost")),
    55: ("invalid", lambda n: _row(f"person{n}..x@example.com")),
    66: ("invalid", lambda n: _row(f"{'x' * 80}{n}@example.com")),
    77: ("invalid", lambda _n: _row("")),
    88: ("duplicate", lambda n: _row(f"PERSON{n - 1}@Example.com")),
    99: ("good", lambda n: _row(f"person{n}@gmial.com")),
    110: ("good", lambda n: _row(f"person{n}@mailinator.com")),
    121: ("good", lambda n: _row(f"info@company{n}.example")),
    132: ("good", lambda n: _row(f"  person{n}@EXAMPLE.com\u00a0;")),
    143: ("good", lambda n: _row(f"\u200bperson{n}@example.com\ufeff")),
    154: ("good", lambda n: _row(f"用户{n}@例子.公司")),
    165: ("good", lambda n: _row(f"person{n}@xn--mnchen-3ya.de")),
    176: ("good", lambda n: _row(f"o'hara+{n}@example.com", "O'Hara, Sinéad".replace(",", ""))),
    187: ("good", lambda n: f'"person{n}@example.com","Ang""graini, D.",,,\r\n'.encode()),
    198: ("good", lambda n: _row(f"person{n}@example.com", "=cmd|'/c calc'!A1")),
    209: ("good", lambda n: _row(f"person{n}@example.com", "😀 نور")),
    220: (
        "without",
        lambda n: f'person{n}@example.com,"Eve\r\nBcc: x@example.com",,,\r\n'.encode(),
    ),
    231: ("without", lambda n: _row(f"person{n}@example.com", joined="31/02/2025")),
    242: ("without", lambda n: f"person{n}@example.com,N,2026-01-01,many,\r\n".encode()),
    253: ("without", lambda n: f'person{n}@example.com,N,2026-01-01,"1,234",\r\n'.encode()),
    264: ("good", lambda n: f"person{n}@example.com,short\r\n".encode()),
    275: ("invalid", lambda n: f"person{n}@example.com,N,,,,long,longer\r\n".encode()),
    286: ("good", lambda n: f"person{n}@example.com,N,,,,,,\r\n".encode()),
    297: ("without", lambda n: f"person{n}@example.com,N\0N,,,\r\n".encode()),
    308: ("without", lambda n: f"person{n}@example.com,".encode() + b"Zo\xeb,,,\r\n"),
    319: ("invalid", lambda n: f'person{n}@example.com,"never closed,,,\r\n'.encode()),
    330: ("invalid", lambda n: f"person{n}@example.com,".encode() + LONG_CELL + b",,,\r\n"),
    341: ("blank", lambda _n: b"\r\n"),
    352: ("good", lambda n: _row(f"person{n}@example.com", "Tab\tName")),
    363: ("without", lambda n: _row(f"person{n}@example.com", "Bell\x07")),
    374: ("good", lambda n: f"person{n}@example.com,N,,,\n".encode()),
    385: ("without", lambda n: _row(f"person{n}@example.com", "N" * 250)),
    396: ("good", lambda n: _row(f"Dewi {n} <dewi{n}@example.com>")),
    407: ("good", lambda n: _row(f"mailto:person{n}@example.com")),
    418: ("invalid", lambda n: _row(f"person{n}@-bad-.com")),
    429: ("invalid", lambda n: _row(f"person{n}@192.0.2.1")),
}


def write(file: Path, rows: int) -> Counter[str]:
    """Write ``rows`` rows and return how many are of each kind.

    ``without``: whoever goes in without a value that can't be read.
    """
    kinds: Counter[str] = Counter()
    with file.open("wb") as out:
        out.write(HEADER)
        for number in range(1, rows + 1):
            kind, make = DIRT.get(number % CYCLE, ("good", _clean))
            # The last rows are clean, so that a quote that never closes finds an end.
            if number > rows - CYCLE // 2 and kind != "good":
                kind, make = "good", _clean
            kinds[kind] += 1
            out.write(make(number))
    return kinds


def _clean(number: int) -> bytes:
    return _row(f"person{number}@example.com", f"Dewi {number}")


if __name__ == "__main__":
    sys.stdout.write(f"{dict(write(Path(sys.argv[1]), int(sys.argv[2])))}\n")
