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
from pgutils.animation import PAUSE, encode_film, film_html, record_episode, side_by_side


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def only_film(html):
    (_, (tag, attributes)) = Tags(html.data).tags
    assert tag == "video"
    return attributes


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
    kind, _, film = only_film(html)["src"].partition(",")
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
    attributes = only_film(film_html(moving_square, "a square moves to the right"))
    assert {"controls", "muted", "playsinline"} <= set(attributes)
    assert not {"autoplay", "loop"} & set(attributes)
    assert attributes["aria-label"] == "a square moves to the right"


def test_the_controls_have_a_place_of_their_own_below_the_pictures(moving_square):
    style = only_film(film_html(moving_square, "square"))["style"]
    assert "height: calc(100cqw * 40 / 60 + 3.5rem); object-fit: contain; object-position: top" in style


def test_a_film_needs_no_other_files(moving_square):
    attributes = only_film(film_html(moving_square, "square"))
    assert attributes["src"].startswith("data:video/mp4;base64,")
    assert attributes["poster"].startswith("data:image/png;base64,")
    assert base64.b64decode(attributes["poster"].partition(",")[2]).startswith(b"\x89PNG")
    assert "http" not in film_html(moving_square, "square").data.partition("base64")[0]


def test_labels_may_hold_any_character(moving_square):
    label = 'before & after: "trained" <well>'
    assert only_film(film_html(moving_square, label))["aria-label"] == label


def test_a_sign_on_the_poster_says_that_it_can_be_played():
    picture = np.zeros((200, 300, 3), np.uint8)
    signed = animation.poster(picture)
    assert signed.shape == picture.shape
    assert (signed[100, 150] == 255).all()
    assert (signed[:60] == 0).all()
    assert (picture == 0).all()


# Episodes side by side


def test_episodes_are_shown_side_by_side_from_the_same_start(policy, tmp_path):
    html = pg.animate_episodes("CartPole-v1", {"run zero": policy, "run again": policy}, width=100)
    assert isinstance(html, HTML)
    alone = record_episode("CartPole-v1", policy, width=100)
    decoded = decode_html(html, tmp_path).astype(int)
    words = animation.with_words("run zero", [alone], 1).shape[1] - alone.shape[1]
    assert 10 < words < 30
    assert decoded.shape == (len(alone) + PAUSE, (words + alone.shape[1]) // 2 * 2, 200, 3)
    left, right = decoded[: len(alone), words:, 5:95], decoded[: len(alone), words:, 105:195]
    assert np.abs(left - right).mean() < 2
    assert np.abs(left - alone[:, : left.shape[1], 5:95]).mean() < 5
    assert only_film(html)["aria-label"] == "CartPole: run zero, then run again"


def bright(number, steps):
    """An episode of grey pictures, brighter with each step."""
    return (
        np.full((steps + 1, 64, 160, 3), 100, np.uint8)
        + 10 * number
        + np.arange(steps + 1, dtype=np.uint8)[:, None, None, None]
    )


def test_the_film_ends_when_the_longest_has_ended_and_the_others_play_on_as_long_as_they_fit(monkeypatch):
    played = []

    def record(_, policy, *, seed, **options):
        played.append((policy, seed))
        return bright(seed, {"short": 4, "long": 130}[policy])

    monkeypatch.setattr(animation, "record_episode", record)
    frames = side_by_side("CartPole-v1", {"one": "short", "other": "long"})
    assert len(frames) == 131 + PAUSE
    middle = frames[:, -32, [80, 240], 0].astype(int)
    episode = [*range(5), *[-1] * PAUSE]  # -1: held and darker
    assert played == [("short", 0), ("long", 0), ("short", 1), ("short", 2), ("short", 3), ("long", 1)]
    shown = [100 + 10 * seed + step if step >= 0 else (104 + 10 * seed) // 2 for seed in range(3) for step in episode]
    assert middle[:, 0].tolist() == shown + shown[-1:] * (131 + PAUSE - len(shown))
    assert middle[:, 1].tolist() == [*range(100, 231), *[115] * PAUSE]


def test_words_above_the_pictures_name_the_policy_and_count_the_steps():
    film = animation.with_words("trained", [bright(0, 3)], 4 + PAUSE)
    assert (film[:, -64:, 1:-2] == film[:, -64:-63, 1:2]).all()
    label, counter = film[:, :13], film[:, 13:-64]
    assert (label == label[0]).all()
    assert label.max() > 200
    assert len(np.unique(counter.reshape(len(film), -1), axis=0)) == 5  # four steps, and the end
    other = animation.with_words("untrained", [bright(0, 3)], 4 + PAUSE)
    assert (other[:, 13:] == film[:, 13:]).all()
    assert (other[:, :13] != label).any()


def test_the_same_seed_gives_the_same_film(policy):
    one, two, other = (pg.animate_episodes("CartPole-v1", {"new": policy}, seed=s, width=100).data for s in (1, 1, 2))
    assert one == two
    assert one != other


def test_unknown_environments_are_refused(policy):
    with pytest.raises(ValueError, match="CartPole-v99"):
        pg.animate_episodes("CartPole-v99", {"new": policy})
