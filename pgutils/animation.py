"""Moving pictures of a policy at work."""

import base64
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from unittest import mock

import gymnasium as gym
import imageio_ffmpeg
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

from pgutils.environments import environment_spec
from pgutils.policies import CategoricalPolicy
from pgutils.seeding import generator

QUIET = {"PYGAME_HIDE_SUPPORT_PROMPT": "1", "SDL_VIDEODRIVER": "dummy"}  # pygame draws into memory, and in silence


def animate_episodes(
    env_id: str, policies: Mapping[str, CategoricalPolicy], *, run: int = 0, seed: int = 0, width: int = 300
) -> HTML:
    """Play one episode with each policy from the same start, and return them side by side as a film.

    The film starts when the reader asks for it. The actions are sampled from the policies.

    Args:
        env_id: the environment.
        policies: a label for each policy.
        run: which of the policies' runs acts.
        seed: for the start and the actions.
        width: of each picture, in pixels.

    *Introduced in chapter 3.*
    """
    frames = side_by_side(env_id, policies.values(), run=run, seed=seed, width=width)
    return film_html(frames, f"{environment_spec(env_id).name}: {', then '.join(policies)}")


def side_by_side(env_id: str, policies: Iterable[CategoricalPolicy], *, run: int = 0, seed: int = 0, width: int = 300):
    """Play one episode with each policy and return the pictures next to each other, shape (N, height, widths, 3).

    An episode that ends before the others holds its last picture. The other arguments are those of
    ``animate_episodes``.
    """
    films = [record_episode(env_id, policy, run=run, seed=seed, width=width) for policy in policies]
    longest = max(map(len, films))
    held = [np.concatenate([film, np.repeat(film[-1:], longest - len(film), axis=0)]) for film in films]
    for film in held[1:]:
        film[:, :, :2] = 128  # a thin line between neighbours
    return np.concatenate(held, axis=2)


def record_episode(
    env_id: str, policy: CategoricalPolicy, *, run: int = 0, seed: int = 0, width: int = 300
) -> np.ndarray:
    """Play one episode and return its pictures, shape (steps + 1, height, width, 3), unsigned bytes."""
    environment_spec(env_id)
    rng = generator(seed)
    act, runs = policy.actor(), policy.biases[0].shape[0]
    with mock.patch.dict(os.environ, QUIET), gym.make(env_id, render_mode="rgb_array") as env:
        obs, _ = env.reset(seed=int(rng.integers(2**31)))
        stride = max(1, env.render().shape[1] // width)
        frames, ended = [env.render()[::stride, ::stride]], False
        while not ended:
            noise = rng.gumbel(size=(1, env.action_space.n))
            action = act(np.broadcast_to(obs, (runs, 1, len(obs))), noise)[run, 0]
            obs, _, terminated, truncated, _ = env.step(action)
            frames.append(env.render()[::stride, ::stride])
            ended = terminated or truncated
    return np.stack(frames)


def film_html(frames: np.ndarray, label: str, fps: int = 50) -> HTML:
    """Return pictures (N, height, width, 3) as an H.264 film that can stand in a page without other files."""
    height, width = (size // 2 * 2 for size in frames.shape[1:3])
    film = base64.b64encode(encode_film(frames[:, :height, :width], fps)).decode()
    buffer = io.BytesIO()
    plt.imsave(buffer, frames[0])
    poster = base64.b64encode(buffer.getvalue()).decode()
    return HTML(
        f'<video controls muted playsinline width="{width}" aria-label="{escape(label)}" style="max-width: 100%"'
        f' poster="data:image/png;base64,{poster}" src="data:video/mp4;base64,{film}"></video>'
    )


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
            output_params=["-crf", "30", "-movflags", "faststart"],
        )
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
        writer.close()
        return path.read_bytes()
