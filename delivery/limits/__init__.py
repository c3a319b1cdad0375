"""How fast and over how many connections an account sends, counted for all processes in Redis.

`throttle` grants permits, `connection_pool` shares connections, `warm_up` knows a new sender's
ceilings, `daily_usage` counts what went out, `direct_mail` lets mail pass that people wait for. It
may import `transports` (for its words) and `processes`. Begin with `throttle`.
"""
