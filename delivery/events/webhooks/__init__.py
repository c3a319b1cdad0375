"""What providers report by HTTP: checked, kept, read, and told to `events.applying`.

The request checks who speaks (`checking`), cuts the body into events (`splitting`), reads what is
needed to find each again (`reading`) and keeps all of them in one statement (`intake`); a task
makes news of them (`judging`) and has it applied (`taking`). Begin with `intake`, then `reading`;
what a provider's words mean stands in `providers`, as data.
"""
