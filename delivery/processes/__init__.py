"""What sending processes know of each other: signs of life, Redis, and the order to stop.

The lowest package of `delivery`. Begin with `coordination`.
"""
