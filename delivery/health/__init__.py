"""Why is it not sending? `diagnosis` answers for a campaign, `doctor` for the installation.

Both only read; they may import every other package. Begin with `diagnosis`.
"""
