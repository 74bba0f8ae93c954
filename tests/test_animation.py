"""Films: what their pictures are, and that a page can play them."""

import base64
import os
import warnings
from html.parser import HTMLParser

import imageio_ffmpeg
import numpy as np
import pytest
from IPython.display import HTML

import pgutils as pg
from pgutils import animation
from pgutils.animation import encode_film, film_html, record_episode, side_by_side

LENGTHS = {"short": 4, "longest": 9, "middle": 6}


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def only_tag(html):
    ((tag, attributes),) = Tags(html.data).tags
    return tag, attributes


def decode(film, folder):
    """Return the size and the pictures of an MP4 file."""
    path = folder / "film.mp4"
    path.write_bytes(film)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the reader leaves its pipes open
        metadata, *frames = imageio_ffmpeg.read_frames(str(path))
    width, height = metadata["size"]
    return np.frombuffer(b"".join(frames), np.uint8).reshape(len(frames), height, width, 3)


def decode_html(html, folder):
    kind, _, film = only_tag(html)[1]["src"].partition(",")
    assert kind == "data:video/mp4;base64"
    return decode(base64.b64decode(film), folder)


def stubborn(*actions):
    """A policy each of whose runs always takes the same action."""
    policy = pg.CategoricalPolicy(4, 2, np.random.default_rng(0).spawn(len(actions)), hidden=())
    for run, action in enumerate(actions):
        policy.biases[0].data[run, 0, action] = 100
    return policy


@pytest.fixture(scope="module")
def policy():
    return pg.CategoricalPolicy(4, 2, np.random.default_rng(0).spawn(3))


@pytest.fixture(scope="module")
def moving_square():
    """Thirty pictures of a white square that moves to the right on black."""
    frames = np.zeros((30, 40, 60, 3), np.uint8)
    for i, frame in enumerate(frames):
        frame[10:30, i : i + 20] = 255
    return frames


# Pictures


def test_pictures_are_unsigned_bytes_of_the_width_asked_for(policy):
    frames = record_episode("CartPole-v1", policy, width=300)
    assert frames.dtype == np.uint8
    assert frames.shape[1:] == (200, 300, 3)
    assert record_episode("CartPole-v1", policy, width=100).shape[2] == 100
    assert (frames[0] != frames[-1]).any()


def test_there_is_a_picture_before_the_first_step_and_after_each():
    # CartPole is over after 8 to 11 steps in one direction.
    assert 9 <= len(record_episode("CartPole-v1", stubborn(0), width=60)) <= 12


def test_the_seed_and_the_run_decide_the_episode(policy):
    def record(**options):
        return record_episode("CartPole-v1", policy, width=60, **options)

    np.testing.assert_array_equal(record(seed=3), record(seed=3))
    assert not np.array_equal(record(seed=3), record(seed=4))
    assert record(run=0)[0].tolist() == record(run=1)[0].tolist(), "all runs start from the same state"


def test_the_run_that_acts_is_the_one_asked_for():
    both = stubborn(0, 1)
    for run in range(2):
        alone = record_episode("CartPole-v1", stubborn(run), width=60)
        np.testing.assert_array_equal(record_episode("CartPole-v1", both, run=run, width=60), alone)
    assert len(np.unique(alone[-1])) > 1
    assert (record_episode("CartPole-v1", both, run=0, width=60)[8] != alone[8]).any()


def test_the_environment_variables_are_put_back(policy, monkeypatch):
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    before = dict(os.environ)
    record_episode("CartPole-v1", policy, width=60)
    assert dict(os.environ) == before


# Films


def test_a_film_decodes_to_the_same_pictures(moving_square, tmp_path):
    decoded = decode(encode_film(moving_square), tmp_path)
    assert decoded.shape == moving_square.shape
    assert np.abs(decoded.astype(int) - moving_square).mean() < 5


@pytest.mark.parametrize("size", [(41, 60), (40, 61), (33, 47)])
def test_odd_sizes_lose_their_last_row_or_column(moving_square, size, tmp_path):
    frames = np.zeros((5, *size, 3), np.uint8)
    decoded = decode_html(film_html(frames, "square"), tmp_path)
    assert decoded.shape == (5, size[0] // 2 * 2, size[1] // 2 * 2, 3)


def test_a_film_starts_when_the_reader_wants_it(moving_square):
    tag, attributes = only_tag(film_html(moving_square, "a square moves to the right"))
    assert tag == "video"
    assert {"controls", "muted", "playsinline"} <= set(attributes)
    assert not {"autoplay", "loop"} & set(attributes)
    assert attributes["aria-label"] == "a square moves to the right"
    assert attributes["width"] == "60"


def test_a_film_needs_no_other_files(moving_square):
    _, attributes = only_tag(film_html(moving_square, "square"))
    assert attributes["src"].startswith("data:video/mp4;base64,")
    assert attributes["poster"].startswith("data:image/png;base64,")
    assert base64.b64decode(attributes["poster"].partition(",")[2]).startswith(b"\x89PNG")
    assert "http" not in film_html(moving_square, "square").data.partition("base64")[0]


def test_labels_may_hold_any_character(moving_square):
    label = 'before & after: "trained" <well>'
    tag, attributes = only_tag(film_html(moving_square, label))
    assert tag == "video"
    assert attributes["aria-label"] == label


# Episodes side by side


def test_episodes_are_shown_side_by_side_from_the_same_start(policy, tmp_path):
    html = pg.animate_episodes("CartPole-v1", {"run zero": policy, "run again": policy}, width=100)
    assert isinstance(html, HTML)
    alone = record_episode("CartPole-v1", policy, width=100)
    decoded = decode_html(html, tmp_path).astype(int)
    assert decoded.shape == (len(alone), alone.shape[1] // 2 * 2, 200, 3)
    # A thin line runs between the two.
    assert np.abs(decoded[:, :, 5:95] - decoded[:, :, 105:195]).mean() < 2
    assert np.abs(decoded[:, :, 5:95] - alone[:, : decoded.shape[1], 5:95]).mean() < 5
    assert only_tag(html)[1]["aria-label"] == "CartPole: run zero, then run again"


def test_a_film_is_as_long_as_its_longest_episode_and_the_others_wait(monkeypatch):
    films = {name: np.full((steps, 20, 30, 3), 10 * i + 1, np.uint8) for i, (name, steps) in enumerate(LENGTHS.items())}
    for film in films.values():
        film[-1] += 5
    monkeypatch.setattr(animation, "record_episode", lambda _, policy, **options: films[policy].copy())
    frames = side_by_side("CartPole-v1", list(films))
    assert frames.shape == (9, 20, 90, 3)
    for i, (name, steps) in enumerate(LENGTHS.items()):
        shown = frames[:, :, 30 * i + 5 : 30 * (i + 1)]
        assert (shown[: steps - 1] == films[name][0, 0, 0]).all()
        assert (shown[steps - 1 :] == films[name][-1, 0, 0]).all()


def test_the_same_seed_gives_the_same_film(policy):
    one, two, other = (pg.animate_episodes("CartPole-v1", {"new": policy}, seed=s, width=100).data for s in (1, 1, 2))
    assert one == two
    assert one != other


def test_unknown_environments_are_refused(policy):
    with pytest.raises(ValueError, match="CartPole-v99"):
        pg.animate_episodes("CartPole-v99", {"new": policy})
