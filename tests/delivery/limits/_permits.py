"""One process that takes as many permits as it can get (run by `test_throttle`)."""

import sys
import time

import django

django.setup()

from delivery.limits import throttle  # noqa: E402


def main(seconds: float, limits: list[throttle.Limit]) -> None:
    """Print how many permits were granted."""
    until = time.monotonic() + seconds
    granted = 0
    while time.monotonic() < until:
        grant = throttle.permits(7, limits, 20)
        granted += grant.permits
        if not grant.permits:
            time.sleep(min(0.02, grant.wait))
    print(granted)  # noqa: T201


if __name__ == "__main__":
    kind, permits, period = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    main(
        float(sys.argv[1]),
        [
            throttle.Limit(
                name="minute",
                kind=kind,
                permits=permits,
                period_ms=period,
                ends_at=int((time.time() + 3600) * 1000),
            )
        ],
    )
