// CartPole-v1, for the figures in which it is played or learned; `env` holds Gymnasium's constants.
"use strict";

(() => {
  const { html } = htmPreact;

  /** One step of Gymnasium's CartPole-v1, after Barto, Sutton and Anderson (1983), with Euler's method. */
  function step([x, xDot, angle, angleDot], action, env) {
    const force = action === 1 ? env.force_mag : -env.force_mag;
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const push = (force + env.polemass_length * (angleDot * angleDot) * sin) / env.total_mass;
    const angleAcc = (env.gravity * sin - cos * push) /
      (env.length * (4 / 3 - (env.masspole * (cos * cos)) / env.total_mass));
    const xAcc = push - (env.polemass_length * angleAcc * cos) / env.total_mass;
    return [x + env.tau * xDot, xDot + env.tau * xAcc, angle + env.tau * angleDot, angleDot + env.tau * angleAcc];
  }

  const fallen = ([x, , angle], env) => Math.abs(x) > env.x_threshold || Math.abs(angle) > env.theta_threshold_radians;

  /** A start, as Gymnasium draws it: four numbers from −0.05 to 0.05. */
  const start = (next) => [0, 0, 0, 0].map(() => 0.1 * next() - 0.05);

  /** A cart with its pole on the ground line `y`, around `middle`; `scale` is pixels a metre, `pole` pixels long. */
  function Cart({ x, angle, middle, y, scale, pole, env }) {
    const px = middle + x * scale, width = pole / 2, height = pole / 4;
    const edge = env.x_threshold * scale;
    return html`
      <line class="ground" x1=${middle - edge} x2=${middle + edge} y1=${y} y2=${y} />
      <rect class="cart" x=${px - width / 2} y=${y - height} width=${width} height=${height} rx="2" />
      <line class="pole" x1=${px} y1=${y - height} x2=${px + pole * Math.sin(angle)}
        y2=${y - height - pole * Math.cos(angle)} stroke-width=${pole / 9} />
    `;
  }

  explorables.cart = { step, fallen, start, Cart };
})();
