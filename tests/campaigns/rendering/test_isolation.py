"""What authors wrote is rendered in processes that can be stopped from outside."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from campaigns.rendering import isolation, rendering_process, split_template
from campaigns.rendering.compile import Writing
from campaigns.rendering.errors import ContentError
from campaigns.rendering.pool import RenderingPool, StoppedError
from campaigns.rendering.split_template import merge_template
from campaigns.rendering.values import values_for
from campaigns.states import ContentKind
from tests.campaigns.rendering.writings import TAGS, Reader, values

BASE = Path(__file__).parents[3]
HEAVY = "*a **b [c](" * 60_000  # seconds of Markdown
LARGE = "|a" * 120 + "\n" + "|-" * 120 + "\n" + "|\n" * 100


@pytest.fixture
def pool():
    one = RenderingPool()
    yield one
    one.close()


def request(work, *args, seconds=5.0, **options):
    return pickle.dumps((work, args, options, "en", seconds))


def preview_of(source, kind=ContentKind.MARKDOWN, **options):
    return request("preview", Writing(kind=kind, source=source, subject="x"), TAGS, None, **options)


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(fact):
    for _attempt in range(600):
        if fact():
            return
        time.sleep(0.1)
    pytest.fail("it did not come true")


def test_the_kernel_stops_what_uses_up_its_time(pool):
    with pytest.raises(StoppedError):
        pool.ask(preview_of(HEAVY, seconds=0.2), seconds=60)
    assert pool.ask(preview_of("Hello", seconds=30), seconds=60).startswith(rendering_process.DONE)


def test_who_waits_stops_what_does_not_come(pool):
    with pytest.raises(StoppedError):
        pool.ask(preview_of(HEAVY, seconds=60), seconds=0.2)
    wait_until(lambda: len(children(pool._server.pid)) == 0)
    assert pool.ask(preview_of("Hello", seconds=30), seconds=60).startswith(rendering_process.DONE)


def test_memory_is_bounded(pool):
    """What allocates beyond the bound is refused or ends, and its memory is given back."""
    many = [{"first_name": "x" * 199_000}] * 600
    program = merge_template("{{ first_name ~ 'y' }}" * 9, "text").program
    reply = b""
    with suppress(StoppedError):
        reply = pool.ask(request("fill", [program], many, seconds=60), seconds=60)
    assert not reply.startswith(rendering_process.DONE)
    for pid in children(pool._server.pid):
        status = Path(f"/proc/{pid}/status").read_text()
        kilobytes = int(status.split("VmRSS:")[1].split()[0])
        assert kilobytes < 256 * 1024
    assert pool.ask(preview_of("Hello", seconds=30), seconds=60).startswith(rendering_process.DONE)


def test_the_kernel_knows_the_bounds(pool):
    pool.ask(preview_of("Hello"), seconds=60)
    (child,) = children(pool._server.pid)
    limits = Path(f"/proc/{child}/limits").read_text()
    assert "Max address space         unlimited" not in limits
    assert "Max file size             0" in limits
    environment = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
    assert {part.partition(b"=")[0] for part in environment} <= {b"PATH", b"LANG", b""}


def test_a_process_that_was_killed_is_replaced(pool):
    pool.ask(preview_of("Hello"), seconds=60)
    (child,) = children(pool._server.pid)
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: not is_alive(child))
    assert pool.ask(preview_of("Hello"), seconds=60).startswith(rendering_process.DONE)


def test_their_server_is_replaced_too(pool):
    pool.ask(preview_of("Hello"), seconds=60)
    server = pool._server.pid
    (child,) = children(server)
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: not is_alive(server) and not is_alive(child))
    assert pool.ask(preview_of("Hello"), seconds=60).startswith(rendering_process.DONE)
    assert pool._server.pid != server


USER = """
import os, sys
sys.path.insert(0, ".")
from django.conf import settings
settings.configure(FORMAT_MODULE_PATH="config.formats", LOCALE_PATHS=["locale"])
from campaigns.rendering import isolation, split_template
assert isolation.render_line("{{ a ~ 'b' }}", {"a": "1"}) == "1b"
if sys.argv[1] == "fork":
    if (pid := os.fork()) == 0:
        assert isolation.render_line("{{ a ~ 'b' }}", {"a": "2"}) == "2b"
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert isolation.render_line("{{ a ~ 'b' }}", {"a": "3"}) == "3b"
    print("fine", flush=True)
else:
    print(isolation._pool._server.pid, flush=True)
    sys.stdin.read()
"""


def test_they_end_with_the_process_that_uses_them():
    for end in (signal.SIGKILL, signal.SIGTERM, None):
        with subprocess.Popen(
            [sys.executable, "-c", USER, "stay"],
            cwd=BASE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as user:
            server = int(user.stdout.readline())
            family = [server, *children(server)]
            assert len(family) == 2
            if end is None:
                user.stdin.close()
            else:
                user.send_signal(end)
            user.wait()
        wait_until(lambda family=family: not any(map(is_alive, family)))


def test_a_fork_has_processes_of_its_own():
    found = subprocess.run(
        [sys.executable, "-c", USER, "fork"], cwd=BASE, capture_output=True, text=True, check=False
    )
    assert (found.stdout, found.stderr) == ("fine\n", "")


def test_what_is_stopped_is_said_in_words(monkeypatch):
    monkeypatch.setattr(isolation, "INTERACTIVE", isolation.Bound(work=0.2, wait=60))
    monkeypatch.setattr(isolation, "CHECKS", isolation.Bound(work=0.2, wait=60))
    writing = Writing(kind=ContentKind.MARKDOWN, source=HEAVY, subject="x")
    shown = isolation.preview(writing, TAGS)
    assert "takes too long" in shown.problems[0].sentence
    assert "takes too long" in shown.html
    assert isolation.findings(writing, TAGS)[0].blocks
    assert "takes too long" in isolation.lint(writing, TAGS)[0]["message"]


def test_a_small_table_of_many_cells_is_refused_at_once():
    with pytest.raises(ContentError, match="more than 5000 paragraphs and table cells"):
        isolation.compile_content(Writing(kind=ContentKind.MARKDOWN, source=LARGE), TAGS)


def test_a_runaway_among_many_people_is_stopped(monkeypatch):
    monkeypatch.setattr(isolation, "FILLING", isolation.Bound(work=0.3, wait=60))
    inner = "{% for b in bio %}{% if a == b %}{% endif %}{% endfor %}"
    loops = f"{{% for a in bio %}}{inner}{{% endfor %}}{{{{ bio[0] }}}}"
    program = merge_template(loops, "text").program
    people = [{"bio": "x"}, {"bio": "x" * 200_000}, {"bio": "y"}]
    assert program is not None
    with pytest.raises(isolation.RunawayError):
        isolation.fill([program], people)
    assert isolation.fill([program], people[::2]) == [[["", "x"]], [["", "y"]]]


def test_values_mean_the_same_there():
    person = Reader(fields={"points": 1250, "vip": False, "drinks": ["tea"]})
    given = values_for(person, TAGS)
    source = "{{ points }} {{ points > 99 }} {{ vip }} {{ 'tea' in drinks }} {{ vip|default('-') }}"
    assert isolation.render_line(source, given) == "1250 True no True no"


def test_answers_hold_nothing_but_answers():
    class Trick:
        def __reduce__(self):
            return os.system, ("true",)

    with pytest.raises(pickle.UnpicklingError):
        isolation._read(rendering_process.DONE + pickle.dumps(Trick()))


def test_what_was_asked_before_is_not_rendered_again(monkeypatch):
    writing = Writing(kind=ContentKind.MARKDOWN, source="Only once", subject="x")
    asked = []
    ask = isolation._pool.ask

    def count(*args, **options):
        asked.append(1)
        return ask(*args, **options)

    monkeypatch.setattr(isolation._pool, "ask", count)
    with ThreadPoolExecutor(4) as threads:
        shown = list(threads.map(lambda _n: isolation.preview(writing, TAGS), range(8)))
    assert len(asked) == 1
    assert {one.html for one in shown} == {shown[0].html}
    assert isolation.preview(writing, TAGS, Reader(first_name="Budi")).problems == ()
    assert len(asked) == 2


def test_threads_do_not_mix_their_answers():
    def ask(number):
        return isolation.render_line("{{ a ~ b }}", {"a": str(number), "b": "!"})

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(200))) == [f"{number}!" for number in range(200)]


def test_a_rendered_mail_holds_no_code_of_its_author(monkeypatch):
    """Whatever has to be run is run in a rendering process."""
    here = threading.get_ident()
    asked = []

    def fill(_programs, _people):
        asked.append(threading.get_ident())
        return [[["in there"]]]

    monkeypatch.setattr(split_template._hands, "filler", fill)
    template = merge_template("a {% if vip %}b{% endif %} {{ first_name }}", "text")
    assert template.render(values(first_name="Dewi")) == "a in there Dewi"
    assert asked == [here]
