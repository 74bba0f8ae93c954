// Chapter 4: which score is multiplied by which reward, and what it does to the variance.
"use strict";

(() => {
  const { html, useState } = htmPreact;
  const { show, Slider, Choice, Toggle, Numbers, Table, plain, sum } = explorables;

  // The mathematics. At each step the agent tosses a coin; `rewards` are [for tails, for heads] of each step.

  /** Exact mean and variance of the estimate for the logit of heads in each step, by enumeration of all tosses. */
  function moments(rewards, toGo) {
    const T = rewards.length, mean = Array(T).fill(0), square = Array(T).fill(0);
    for (let tosses = 0; tosses < 2 ** T; tosses++) {
      const heads = rewards.map((_, t) => (tosses >> t) & 1);
      const paid = rewards.map((reward, t) => reward[heads[t]]);
      for (let t = 0; t < T; t++) {
        const estimate = (heads[t] - 0.5) * sum(toGo ? paid.slice(t) : paid);
        mean[t] += estimate / 2 ** T;
        square[t] += estimate ** 2 / 2 ** T;
      }
    }
    const variance = square.map((x, t) => x - mean[t] ** 2);
    // The logit of tails has the same numbers, with the opposite sign.
    return { mean, variance, total: 2 * sum(variance), episodes: sum(variance) / sum(mean.map((x) => x * x)) };
  }

  explorables.whoIsPaid = { moments };

  // The page.

  const PRESETS = {
    "coins: heads pays 1": (T) => Array(T).fill([0, 1]),
    "only the last step pays": (T) => Array.from({ length: T }, (_, t) => (t === T - 1 ? [0, 1] : [0, 0])),
    "+1, then −1, whatever is tossed": () => [[1, 1], [-1, -1]],
  };
  const [COINS] = Object.keys(PRESETS);
  const WIDTH = 340, GRID = 168, LEFT = 36, TOP = 46, BARS = LEFT + GRID + 14;

  function Grid({ rewards, toGo, now, whole }) {
    const T = rewards.length, cell = Math.min(44, GRID / T), bottom = TOP + T * cell;
    const top = Math.max(...whole.variance, ...now.variance, 1e-9);
    const paid = (t, k) => !toGo || k >= t;
    const kind = (t, k) => (!paid(t, k) ? "unpaid" : t === k && rewards[k][0] !== rewards[k][1] ? "signal" : "noise");
    const width = (variance) => variance / top * (WIDTH - BARS - 34);
    return html`
      <svg class="payments" viewBox="0 0 ${WIDTH} ${bottom + 34}" role="img"
        aria-label="Scores of ${T} steps by rewards of ${T} steps; ${toGo
          ? "rewards of the past are not paid"
          : "every reward is paid to every score"}. The variance of the first step is ${now.variance[0].toFixed(
            2,
          )}, of the last ${now.variance[T - 1].toFixed(2)}.">
        <text x=${LEFT + T * cell / 2} y="14" text-anchor="middle">reward of step</text>
        <text x="9" y=${TOP + T * cell / 2} text-anchor="middle" transform="rotate(-90 9 ${TOP + T * cell / 2})">
          score of step</text>
        <text x=${BARS} y="14">variance</text>
        ${rewards.map(([tails, heads], k) =>
          html`
            <text x=${LEFT + (k + 0.5) * cell} y="30" text-anchor="middle">${k}</text>
            <text class="muted small" x=${LEFT + (k + 0.5) * cell} y="42" text-anchor="middle">
              ${plain(heads)}/${plain(tails)}</text>
            <text x=${LEFT - 5} y=${TOP + (k + 0.5) * cell + 4} text-anchor="end">${k}</text>
          `
        )}
        ${rewards.map((_, t) =>
          rewards.map((_, k) =>
            html`
              <rect class=${kind(t, k)} x=${LEFT + k * cell + 2} y=${TOP + t * cell + 2} width=${cell - 4}
                height=${cell - 4} rx="3" />
            `
          )
        )}
        ${now.variance.map((variance, t) =>
          html`
            <rect class="ghost" x=${BARS} y=${TOP + t * cell + 3} width=${width(whole.variance[t])} height=${cell -
              6} />
            <rect class="bar" x=${BARS} y=${TOP + t * cell + 5} width=${width(variance)} height=${cell - 10} />
            <text x=${BARS + width(Math.max(variance, whole.variance[t])) + 5} y=${TOP + (t + 0.5) * cell + 4}>
              ${variance.toFixed(2)}</text>
          `
        )}
        <text class="muted small" x=${LEFT} y=${bottom + 14}>second line: pay for heads/tails</text>
      </svg>
    `;
  }

  function WhoIsPaid() {
    const [preset, setPreset] = useState(COINS);
    const [rewards, setRewards] = useState(PRESETS[COINS](8));
    const [toGo, setToGo] = useState(false);
    const [chosen, setChosen] = useState(0);
    const [news, setNews] = useState("");
    const now = moments(rewards, toGo), whole = moments(rewards, false), T = rewards.length;
    const step = Math.min(chosen, T - 1);

    const told = (list) => {
      const [all, later] = [false, true].map((flag) => moments(list, flag));
      return Number.isFinite(all.episodes)
        ? `For a signal-to-noise ratio of 1: ${all.episodes.toFixed(2)} episodes with the total return, ${
          later.episodes.toFixed(2)
        } with reward-to-go.`
        : "The gradient is 0, and no number of episodes gives a signal-to-noise ratio of 1.";
    };
    const take = (name) => {
      const list = PRESETS[name](name === COINS || T > 2 ? Math.max(T, 2) : 8);
      setPreset(name);
      setRewards(list);
      setNews(told(list));
    };
    const pay = (toss, value) => {
      setPreset(null);
      setRewards(rewards.map((reward, t) => (t === step ? reward.with(toss, value) : reward)));
      setNews("");
    };
    const resize = (length) => {
      const made = preset && preset !== Object.keys(PRESETS)[2];
      setRewards(made ? PRESETS[preset](length) : Array.from({ length }, (_, t) => rewards[t] ?? [0, 1]));
      if (!made) setPreset(null);
      setNews("");
    };
    const switchTo = (flag) => {
      setToGo(flag);
      setNews(told(rewards));
    };

    return html`
      <p class="buttons">
        <${Toggle} on=${!toGo} onClick=${() => switchTo(false)}>total return</${Toggle}>
        <${Toggle} on=${toGo} onClick=${() => switchTo(true)}>reward-to-go</${Toggle}>
      </p>
      <div class="two">
        <div class="pictured">
          <${Grid} ...${{ rewards, toGo, now, whole }} />
          <p class="legend"><span class="key signal" /> what the action earned <span class="key noise" /> noise
            <span class="key unpaid" /> not paid <span class="key ghost" /> with the total return</p>
        </div>
        <div>
          <p class="buttons">${Object.keys(PRESETS).map((name) =>
            html`<${Toggle} on=${name === preset} onClick=${() => take(name)}>${name}</${Toggle}>`
          )}</p>
          <${Slider} name="steps, T" text=${String(T)} min="1" max="8" step="1" value=${T} onInput=${resize} />
          <${Choice} name="What is paid in step" value=${String(step)} among=${rewards.map((_, t) => String(t))}
            onChange=${(text) => setChosen(+text)} />
          <${Slider} name="for heads" text=${plain(rewards[step][1])} min="-2" max="4" step="0.5"
            value=${rewards[step][1]} onInput=${(value) => pay(1, value)} />
          <${Slider} name="for tails" text=${plain(rewards[step][0])} min="-2" max="4" step="0.5"
            value=${rewards[step][0]} onInput=${(value) => pay(0, value)} />
        </div>
      </div>
      <p>Summed over all logits the variance is <strong>${now.total.toFixed(2)}</strong>, with the total return ${whole
        .total.toFixed(2)}; a signal-to-noise ratio of 1 ${Number.isFinite(now.episodes)
        ? html`takes <strong>${now.episodes.toFixed(2)}</strong> episodes`
        : "takes more than any number of episodes"}.</p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Variance of the estimate for the logit of heads"
          columns=${["step", "mean", "total return", "reward-to-go"]}
          rows=${rewards.map((_, t) => [
            String(t),
            now.mean[t].toFixed(4),
            whole.variance[t].toFixed(4),
            moments(rewards, true).variance[t].toFixed(4),
          ])} />
      </${Numbers}>
    `;
  }

  show("who-is-paid", {
    title: "Who is paid for what",
    question:
      "Eight tosses of a coin; heads pays 1. Now each score is multiplied only by what is paid from its step on. " +
      "The estimate for which step improves most?",
    answers: ["for the first", "for the last", "for all alike"],
    seen:
      "For the last: its variance falls from 4.44 to 0.06, as all but its own reward was noise; that of the first " +
      "stays at 4.44, and 29 episodes do what took 71. Where only the last step pays nothing changes, and where −1 " +
      "always follows +1 the variance rises from 0.00 to 0.50: the past had cancelled the future.",
  }, WhoIsPaid);
})();
