"""How large a picture may be, coming in and going out. Read without Django by the worker, too."""

from typing import Final

WIDEST: Final = 1_400  # pixels: twice the width of a mail, for sharp screens
TALLEST: Final = 6_000
THUMBNAIL: Final = 480  # pixels, of the longer side
LONGEST_SIDE: Final = 30_000
# A JPEG can be read at an eighth of its size, everything else has to be unpacked whole.
MOST_PIXELS: Final = 50_000_000
MOST_JPEG_PIXELS: Final = 220_000_000
MOST_FRAMES: Final = 600
MOST_FRAME_PIXELS: Final = 120_000_000  # of all frames together
MOST_MADE_BYTES: Final = 12_000_000  # what mail programs have to fetch

WORK_SECONDS: Final = 20  # of the processor
WAIT_SECONDS: Final = 40.0
EXTRA_MEMORY: Final = 768 * 2**20  # bytes of address space above what is imported
