"""What sending processes know of each other: signs of life, Redis, and the order to stop.

The lowest room of `delivery`. Begin with `coordination`.
"""
