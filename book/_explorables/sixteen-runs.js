// The opening page and chapters 3 and 5: sixteen runs of CartPole learn in the page, by REINFORCE as pgutils has it.
"use strict";

(() => {
  const { html, useEffect, useMemo, useReducer, useRef, useState } = htmPreact;
  const { show, Toggle, Numbers, Table, random, sum, still } = explorables;
  const { step, fallen, start, Cart } = explorables.cart;

  // The learning. A policy is one list of numbers: weights and biases of a layer of 32 tanh units, then of two logits.

  const RUNS = 16, EPISODES = 16, ITERATIONS = 40, UNITS = 32, RATE = 0.01;
  const B1 = 4 * UNITS, W2 = B1 + UNITS, B2 = W2 + 2 * UNITS, SIZE = B2 + 2;

  /** Weights as pgutils draws them: normal, with a scale of inputs^(-1/2), a tenth of that in the last layer. */
  function initial(next) {
    const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Float64Array.from({ length: SIZE }, (_, k) => {
      if (k < B1) return 0.5 * normal();
      return k >= W2 && k < B2 ? 0.1 * UNITS ** -0.5 * normal() : 0;
    });
  }

  /** π(right | state); the tanh units are left in `units`, from `from` on. */
  function forward(policy, state, units, from) {
    let left = policy[B2], right = policy[B2 + 1];
    for (let h = 0; h < UNITS; h++) {
      const unit = Math.tanh(
        policy[h] * state[0] + policy[UNITS + h] * state[1] + policy[2 * UNITS + h] * state[2] +
          policy[3 * UNITS + h] * state[3] + policy[B1 + h],
      );
      units[from + h] = unit;
      left += unit * policy[W2 + 2 * h];
      right += unit * policy[W2 + 2 * h + 1];
    }
    return 1 / (1 + Math.exp(left - right));
  }

  let seenUnits; // one large array serves all batches: each is used up before the next is played

  /** Play a batch of complete episodes, one after the other: state, action, π(right) and units of every step. */
  function collect(policy, env, next) {
    const states = [], actions = [], rights = [], lengths = [];
    seenUnits ??= new Float64Array(EPISODES * env.max_steps * UNITS);
    for (let episode = 0; episode < EPISODES; episode++) {
      let state = start(next), length = 0;
      while (length < env.max_steps && !fallen(state, env)) {
        const right = forward(policy, state, seenUnits, states.length * UNITS), action = next() < right ? 1 : 0;
        states.push(state);
        actions.push(action);
        rights.push(right);
        state = step(state, action, env);
        length++;
      }
      lengths.push(length);
    }
    return { states, actions, rights, units: seenUnits, lengths };
  }

  /** For each method a function of the lengths of all episodes: what multiplies the score of step t of episode i. */
  const METHODS = {
    "total return": (lengths) => (i) => lengths[i], // every reward is 1
    "reward-to-go": (lengths) => (i, t) => lengths[i] - t,
    "leave-one-out": (lengths) => {
      const longest = Math.max(...lengths), others = lengths.length - 1;
      const all = Array.from({ length: longest }, (_, t) => sum(lengths.map((length) => Math.max(0, length - t))));
      return (i, t) => lengths[i] - t - (all[t] - (lengths[i] - t)) / others;
    },
  };
  function weigh(method, lengths) {
    const weight = METHODS[method](lengths);
    return lengths.flatMap((length, i) => Array.from({ length }, (_, t) => weight(i, t)));
  }

  /** The estimate of the policy gradient: the mean over episodes of Σ_t ∇ log π(a_t | s_t) w_t. */
  function gradient(policy, { states, actions, rights, units }, weights) {
    const total = new Float64Array(SIZE);
    for (let n = 0; n < states.length; n++) {
      const surprise = (actions[n] - rights[n]) * weights[n] / EPISODES; // for the logit of right; left has its opposite
      total[B2] -= surprise;
      total[B2 + 1] += surprise;
      for (let h = 0; h < UNITS; h++) {
        const unit = units[n * UNITS + h];
        total[W2 + 2 * h] -= surprise * unit;
        total[W2 + 2 * h + 1] += surprise * unit;
        const back = surprise * (policy[W2 + 2 * h + 1] - policy[W2 + 2 * h]) * (1 - unit * unit);
        total[B1 + h] += back;
        for (let i = 0; i < 4; i++) total[i * UNITS + h] += back * states[n][i];
      }
    }
    return total;
  }

  const noMoments = () => ({ steps: 0, first: new Float64Array(SIZE), second: new Float64Array(SIZE) });

  /** One step of Adam uphill (Kingma and Ba, 2015); changes the policy and its moments. */
  function ascend(policy, moments, direction) {
    moments.steps++;
    for (let k = 0; k < SIZE; k++) {
      moments.first[k] += 0.1 * (direction[k] - moments.first[k]);
      moments.second[k] += 0.001 * (direction[k] * direction[k] - moments.second[k]);
      const first = moments.first[k] / (1 - 0.9 ** moments.steps);
      const second = moments.second[k] / (1 - 0.999 ** moments.steps);
      policy[k] += RATE * first / (Math.sqrt(second) + 1e-8);
    }
  }

  /** The mean of the middle half, as `pg.interquartile_mean`. */
  function interquartileMean(values) {
    const cut = Math.floor(values.length / 4);
    const middle = values.toSorted((a, b) => a - b).slice(cut, values.length - cut);
    return sum(middle) / middle.length;
  }

  /** A run before its first iteration. */
  function begin(seed) {
    const next = random(seed);
    return { next, policy: initial(next), moments: noMoments(), returns: [], latest: [], film: [], frame: 0 };
  }

  /** One iteration of one run: play, weigh, take a step; keep the first episode as a film. */
  function iterate(run, method, env) {
    const batch = collect(run.policy, env, run.next);
    ascend(run.policy, run.moments, gradient(run.policy, batch, weigh(method, batch.lengths)));
    run.returns.push(sum(batch.lengths) / EPISODES);
    run.latest = batch.states.slice(0, batch.lengths[0]);
  }

  /** A run's result: the mean return of its last five iterations. */
  const result = (run) => sum(run.slice(-5)) / run.slice(-5).length;

  explorables.sixteenRuns = {
    collect,
    weigh,
    gradient,
    ascend,
    noMoments,
    interquartileMean,
    begin,
    iterate,
    result,
    METHODS,
  };

  // The page.

  const WIDTH = 340, HEIGHT = 272, CELL = WIDTH / 4, TALL = HEIGHT / 4, PACE = 4, HOLD = 40, LEFT = 30, FLOOR = 240;
  const SLICE = 10, SEEDS_APART = 1000; // milliseconds of learning a frame

  function Carts({ runs, env }) {
    const standing = runs.filter(({ film }) => film.length === env.max_steps).length;
    const begun = runs[0].film.length > 0;
    return html`
      <svg class="carts" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${begun
        ? `Sixteen carts with poles, one for each run; ${standing} of them stay up for all ${env.max_steps} steps.`
        : "Sixteen carts with poles, one for each run, before the first iteration."}>
        ${runs.map(({ film, frame }, i) => {
          const shown = film[Math.min(frame, film.length - 1)] ?? [0, 0, 0, 0],
            steps = Math.min(frame + 1, film.length);
          const left = (i % 4) * CELL, y = Math.floor(i / 4) * TALL + TALL - 10;
          const over = frame >= film.length && film.length < env.max_steps && film.length > 0;
          return html`
            <g class=${over ? "over" : ""}>
              <${Cart} ...${{ x: shown[0], angle: shown[2], middle: left + CELL / 2, y, scale: 14, pole: 32, env }} />
              <rect class="lasted" x=${left + 8} y=${y + 3} width=${(CELL - 16) * steps / env.max_steps} height="3" />
              <text class="muted" x=${left + 8} y=${y - TALL + 24}>${steps || ""}</text>
            </g>
          `;
        })}
      </svg>
    `;
  }

  const across = (iteration) => LEFT + (iteration / ITERATIONS) * (WIDTH - LEFT - 4);
  const up = (value) => FLOOR - value / 500 * (FLOOR - 12);
  const line = (values) => values.map((value, i) => `${across(i + 1).toFixed(1)},${up(value).toFixed(1)}`).join(" ");

  function Curves({ method, runs, finished }) {
    const length = Math.min(...runs.map(({ returns }) => returns.length));
    const middle = Array.from({ length }, (_, i) => interquartileMean(runs.map(({ returns }) => returns[i])));
    const others = Object.entries(finished).filter(([name]) => name !== method);
    const name = (text) => text.replaceAll(" ", "-");
    return html`
      <svg class="curves" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${length
        ? `Sixteen learning curves by ${method}; after ${length} iterations the middle half returns ${
          middle.at(-1).toFixed(0)
        } on average.`
        : "Axes for sixteen learning curves, empty so far: mean return from 0 to 500 over 40 iterations."}>
        ${[0, 250, 500].map((value) =>
          html`
            <line class="axis" x1=${LEFT} x2=${WIDTH} y1=${up(value)} y2=${up(value)} />
            <text x=${LEFT - 4} y=${up(value) + 4} text-anchor="end">${value}</text>
          `
        )}
        ${[10, 20, 30, 40].map((k) => html`<text x=${across(k)} y=${FLOOR + 15} text-anchor="end">${k}</text>`)}
        <text class="muted" x=${LEFT + 6} y="24">mean return</text>
        <text class="muted" x=${WIDTH - 4} y=${HEIGHT - 3} text-anchor="end">iteration (16 episodes each)</text>
        ${runs.map(({ returns }) => html`<polyline class="run ${name(method)}" points=${line(returns)} />`)}
        ${others.map(([other, { curve }]) => html`<polyline class="middle ${name(other)}" points=${line(curve)} />`)}
        <polyline class="middle ${name(method)}" points=${line(middle)} />
      </svg>
    `;
  }

  /** What is to be remembered of a method when its runs have ended. */
  const summary = (runs) => ({
    curve: Array.from({ length: ITERATIONS }, (_, i) => interquartileMean(runs.map(({ returns }) => returns[i]))),
    results: runs.map(({ returns }) => result(returns)),
  });
  const inWords = (method, { results }) =>
    `${method}: the middle half of the runs ends at ${interquartileMean(results).toFixed(0)}, the worst run at ${
      Math.min(...results).toFixed(0)
    }, the best at ${Math.max(...results).toFixed(0)}.`;

  function SixteenRuns({ data: env, options }) {
    const methods = Object.keys(METHODS).filter((name) =>
      !options.length || options.includes(name.replaceAll(" ", "-"))
    );
    const calm = useMemo(still, []);
    const [method, setMethod] = useState(methods[0]);
    const [seed, setSeed] = useState(1);
    const [running, setRunning] = useState(false);
    const [finished, setFinished] = useState({});
    const [news, setNews] = useState("");
    const [, refresh] = useReducer((count) => count + 1, 0);
    const fresh = (from) => Array.from({ length: RUNS }, (_, i) => begin(SEEDS_APART * from + i));
    const world = useRef(null);
    world.current ??= fresh(seed);
    const runs = world.current;
    const done = () => Math.min(...runs.map(({ returns }) => returns.length));
    const stop = calm ? Math.min(ITERATIONS, 10 * Math.floor(done() / 10) + 10) : ITERATIONS;

    /** Learn for a few milliseconds, the runs in turn, and tell whether there is nothing left to learn. */
    const learn = () => {
      const end = performance.now() + SLICE;
      while (done() < stop && performance.now() < end) {
        iterate(runs.find(({ returns }) => returns.length === done()), method, env);
      }
      return done() >= stop;
    };
    /** Show the next frame of every run's film, or begin its latest; tell whether all have come to their end. */
    const play = () => {
      for (const run of runs) {
        if (run.frame < run.film.length + HOLD && run.film.length) run.frame += PACE;
        else if (run.film !== run.latest) [run.film, run.frame] = [run.latest, 0];
      }
      return runs.every((run) => run.film === run.latest && run.frame >= run.film.length);
    };
    const finish = () => {
      setRunning(false);
      const whole = done() === ITERATIONS;
      const now = { curve: [], results: runs.map(({ returns }) => result(returns)) };
      if (whole) setFinished((all) => ({ ...all, [method]: summary(runs) }));
      setNews(`${whole ? "" : `After ${done()} iterations, `}${inWords(method, now)}`);
    };

    useEffect(() => {
      if (!running) return;
      const show = () => {
        for (const run of runs) [run.film, run.frame] = [run.latest, run.latest.length];
        return true;
      };
      let frame;
      const tick = () => {
        const learned = learn(), shown = calm ? !learned || show() : play();
        if (!calm || learned) refresh();
        if (learned && shown) finish();
        else frame = requestAnimationFrame(tick);
      };
      frame = requestAnimationFrame(tick);
      return () => cancelAnimationFrame(frame);
    }, [running, method, seed]);

    const restart = (name, from) => {
      world.current = fresh(from);
      setMethod(name);
      setSeed(from);
      setRunning(false);
      setNews("");
    };
    const over = done() === ITERATIONS && !running;
    const press = () => {
      setNews(running ? `Paused after ${done()} iterations.` : "");
      if (over) restart(method, seed);
      setRunning(over || !running);
    };
    const label = running
      ? "Pause"
      : over
      ? "Train again"
      : calm && done()
      ? "Ten more iterations"
      : "Train sixteen runs";

    return html`
      ${methods.length > 1 &&
        html`<p class="buttons">${
          methods.map((name) =>
            html`<${Toggle} on=${name === method} onClick=${() => restart(name, seed)}>
          <span class="key ${name.replaceAll(" ", "-")}" aria-hidden="true" /> ${name}</${Toggle}>`
          )
        }</p>`}
      <p class="buttons">
        <button type="button" class="chief" data-pictured onClick=${press}>${label}</button>
        <button type="button" onClick=${() => {
          setFinished({});
          restart(method, seed + 1);
          setNews("Other random numbers: nothing is learned yet.");
        }}>Other random numbers</button>
      </p>
      <div class="pictured two">
        <${Carts} runs=${runs} env=${env} />
        <${Curves} ...${{ method, runs, finished }} />
      </div>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Mean return of the last five iterations, by method"
          columns=${["method", "middle half of the runs", "worst run", "best run"]}
          rows=${methods.map((name) => {
            const results = finished[name]?.results;
            const last = results ? [interquartileMean(results), Math.min(...results), Math.max(...results)] : [];
            return [name, ...(results ? last.map((x) => x.toFixed(1)) : ["–", "–", "–"])];
          })} />
        </${Numbers}>
    `;
  }

  const title = "Sixteen runs learn while you watch";
  const ONE = {
    title,
    question:
      "Sixteen runs of one program differ in their random numbers and in nothing else. How far apart will the " +
      "best and the worst of them end?",
    answers: ["close together", "a factor of two", "a factor of three or more"],
    seen:
      "The best run ends at more than three times the return of the worst, though program and settings are the same. " +
      "Whoever shows a single curve shows mostly its luck.",
  };
  const SEVERAL = {
    title,
    question:
      "These methods, which differ in what multiplies the score, follow the same gradient on average. Will they " +
      "learn equally fast?",
    answers: ["yes", "nearly", "no, one twice as fast as another"],
    seen:
      "They estimate the same gradient, and yet, after forty iterations, the middle half of the runs returns more " +
      "than twice as much with reward-to-go as with the total return, and with a baseline more still: what differs is " +
      "the noise. And the runs of one method, which differ in nothing but luck, end far apart.",
  };

  show("sixteen-runs", (options) => (options.length === 1 ? ONE : SEVERAL), SixteenRuns);
})();
