"""Moving pictures of a policy at work."""

import base64
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from unittest import mock

import imageio_ffmpeg
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

from pgutils.environments import Env, env_name, make_env, require_match, resolve
from pgutils.one_by_one import OneByOne
from pgutils.policies import Policy
from pgutils.seeding import generator
from pgutils.spaces import in_range

QUIET = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy"}  # pygame draws into memory, and in silence
PAUSE = 40  # pictures for which the end of an episode is shown
GROUND, FONT = "#22262c", findfont("DejaVu Sans")


def animate_episodes(
    env_id: Env, policies: Mapping[str, Policy], *, run: int = 0, seed: int = 0, width: int = 600
) -> HTML:
    """Play episodes with each policy, first from the same start, and return them side by side as a film.

    A policy whose episode ends before that of another plays on, from new starts, as long as its episodes end in time.
    The film starts when the reader asks for it. The actions are sampled from the policies.

    Args:
        env_id: the environment, as for ``train``; a function that makes it must ask for ``render_mode="rgb_array"``.
        policies: a label for each policy.
        run: which of the policies' runs acts.
        seed: for the starts and the actions.
        width: of each picture, in pixels; at most what the environment draws.

    *Introduced in chapter 3.*
    """
    frames = side_by_side(env_id, policies, run=run, seed=seed, width=width)
    return film_html(frames, f"{getattr(resolve(env_id), 'name', env_name(env_id))}: {', then '.join(policies)}")


def side_by_side(
    env_id: Env, policies: Mapping[str, Policy], *, run: int = 0, seed: int = 0, width: int = 600
) -> np.ndarray:
    """Play episodes with each policy and return the pictures next to each other, shape (N, height, widths, 3).

    Above each stand its label and the step. The arguments are those of ``animate_episodes``.
    """

    def play(policy, number=0):
        return record_episode(env_id, policy, run=run, seed=seed + number, width=width)

    firsts = [play(policy) for policy in policies.values()]
    length = max(map(len, firsts)) + PAUSE
    films = []
    for (label, policy), episode in zip(policies.items(), firsts, strict=True):
        shown, left = [], length
        while len(episode) + PAUSE <= left:
            shown.append(episode)
            left -= len(episode) + PAUSE
            episode = play(policy, len(shown))
        films.append(with_words(label, shown, length))
    return np.concatenate(films, axis=2)


def record_episode(env_id: Env, policy: Policy, *, run: int = 0, seed: int = 0, width: int = 600) -> np.ndarray:
    """Play one episode and return its pictures, shape (steps + 1, height, width, 3), unsigned bytes."""
    rng, act = generator(seed), policy.actor()
    with mock.patch.dict(os.environ, QUIET):
        envs = OneByOne(lambda: make_env(env_id, render_mode="rgb_array"), 1, env_name(env_id))
        require_match(envs, policy)
        obs, _ = envs.reset(seed=[rng.integers(2**31)])
        stride = max(1, envs.envs[0].render().shape[1] // width)
        frames = [envs.envs[0].render()[::stride, ::stride]]
        while envs.alive[0]:
            action = act(np.broadcast_to(obs, (policy.runs, *obs.shape)), policy.noise(rng, (1,)))[run]
            obs, *_ = envs.step(in_range(envs.single_action_space, action))
            frames.append(envs.envs[0].render()[::stride, ::stride])
        envs.close()
    return np.stack(frames)


def with_words(label: str, episodes: Iterable[np.ndarray], length: int) -> np.ndarray:
    """Return ``length`` pictures: the episodes, each held at its end and the last one to the end, and above them words.

    These are the label and the step.
    """
    film = []
    for episode in episodes:
        steps = len(episode) - 1
        film += [_framed(picture, label, f"step {step}") for step, picture in enumerate(episode)]
        film += [_framed(episode[-1] // 2, label, f"ended at step {steps}")] * PAUSE
    return np.stack((film + film[-1:] * length)[:length])


def _framed(picture: np.ndarray, label: str, step: str) -> np.ndarray:
    """Return the picture with two lines of words above it and a thin line beside it."""
    height, width = picture.shape[:2]
    size = width / 16
    image = Image.new("RGB", (width, height + 2 * round(1.45 * size)), GROUND)
    image.paste(Image.fromarray(picture), (0, image.height - height))
    draw = ImageDraw.Draw(image)
    for line, (words, colour) in enumerate({label: "white", step: "#c8ccd2"}.items()):
        draw.text((size / 2, (0.25 + 1.25 * line) * size), words, colour, ImageFont.truetype(FONT, size))
    draw.rectangle((width - max(1, width // 150), 0, width, image.height), GROUND)
    return np.asarray(image)


def film_html(frames: np.ndarray, label: str, fps: int = 50) -> HTML:
    """Return pictures (N, height, width, 3) as an H.264 film that can stand in a page without other files.

    The browser's controls stand below the pictures.
    """
    height, width = (size // 2 * 2 for size in frames.shape[1:3])
    film = base64.b64encode(encode_film(frames[:, :height, :width], fps)).decode()
    buffer = io.BytesIO()
    plt.imsave(buffer, poster(frames[len(frames) // 2, :height, :width]))
    picture = base64.b64encode(buffer.getvalue()).decode()
    return HTML(
        f'<div style="container-type: inline-size; max-width: 672px; margin: auto">'
        f'<video controls muted playsinline aria-label="{escape(label)}" style="width: 100cqw;'
        f" height: calc(100cqw * {height} / {width} + 3.5rem); object-fit: contain; object-position: top;"
        f' background: {GROUND}" poster="data:image/png;base64,{picture}"'
        f' src="data:video/mp4;base64,{film}"></video></div>'
    )


def poster(picture: np.ndarray) -> np.ndarray:
    """Return the picture with a sign that it can be played, a triangle in a disc."""
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image, "RGBA")
    x, y, radius = image.width / 2, image.height / 2, image.height / 7
    draw.circle((x, y), radius, (0, 0, 0, 160), "white", max(1, round(radius / 16)))
    draw.regular_polygon((x, y, radius / 2), 3, -90, "white")
    return np.asarray(image)


def encode_film(frames: np.ndarray, fps: int = 50) -> bytes:
    """Return pictures (N, height, width, 3) as an MP4 file, H.264, which every browser plays. Sizes must be even."""
    height, width = frames.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mp4")
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=fps,
            macro_block_size=2,
            output_params=["-crf", "30", "-preset", "veryfast", "-movflags", "faststart"],
        )
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
        writer.close()
        return path.read_bytes()
