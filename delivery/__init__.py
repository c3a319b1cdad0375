"""How it gets there: plan, claim, render, send, record; throttle; tracking; sending accounts."""
