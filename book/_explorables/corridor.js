// Chapter 1: the short corridor; its value, walks and what one of them says of the gradient, fresh and stale climbers.
"use strict";

(() => {
  const { html, useEffect, useMemo, useRef, useState } = htmPreact;
  const { show, Slider, Numbers, Table, plain, random, signed, sum, still } = explorables;

  // The mathematics, for a policy that goes right with probability p in every state; θ is the logit of p.

  /** The value of the start, (2p − 4) / (p (1 − p)). */
  const value = (p) => (2 * p - 4) / (p * (1 - p));

  /** Σ_s d(s) π(a | s) Q(s, a) for left and right: the credit that all visits to all states give to an action. */
  function credit(p) {
    const q = 1 - p, V0 = value(p), V1 = V0 + 1 / p, V2 = -1 + q * V1;
    const d0 = (1 + q) / (p * q), d1 = d0 / (1 + q), d2 = q * d1;
    const left = q * (d0 * (V0 - 1) + d1 * (V2 - 1) + d2 * (V1 - 1));
    const right = p * (d0 * (V1 - 1) + d1 * (V0 - 1) - d2);
    return { left, right };
  }

  /** The derivative of J with respect to θ at p, where the credit may come from an older policy. */
  const derivative = (p, { left, right } = credit(p)) => right * (1 - p) - left * p;

  /** The p after a step along the derivative. */
  const ascend = (p, from, rate) => 1 / (1 + Math.exp(-(Math.log(p / (1 - p)) + rate * derivative(p, from))));

  /** The states of one walk; in the middle state right leads left. */
  function walk(p, next) {
    const states = [0];
    let rights = 0;
    while (states.at(-1) < 3) {
      const here = states.at(-1), right = next() < p;
      rights += right;
      states.push(Math.max(0, here + (right !== (here === 1) ? 1 : -1)));
    }
    const steps = states.length - 1;
    return { states, estimate: (rights - p * steps) * -steps }; // score × return
  }

  const REACH = 400, BIN = 40;

  /** How many estimates fall into each bin, those beyond the reach into its ends, and whether they have the right sign. */
  function histogram(estimates, exact) {
    const clipped = estimates.map((estimate) => Math.max(-REACH, Math.min(REACH - 1e-9, estimate)));
    return Array.from({ length: 2 * REACH / BIN }, (_, i) => -REACH + i * BIN).map((from) => ({
      from,
      count: clipped.filter((estimate) => estimate >= from && estimate < from + BIN).length,
      sign: (from + BIN / 2) * exact < 0 ? "wrong" : "right",
    }));
  }

  const wrong = (estimates, exact) => estimates.filter((estimate) => estimate * exact < 0).length;

  explorables.corridor = { value, credit, derivative, ascend, walk, histogram, wrong };

  // The page.

  const WIDTH = 340, LOWEST = -60, FROM = 0.02, TO = 0.98, RATE = 0.002, PACE = 150;
  const BEST = 2 - Math.SQRT2;
  const x = (p) => 30 + p * (WIDTH - 38);
  const y = (v) => 10 + (Math.max(LOWEST, v) / LOWEST) * 165;
  const grid = Array.from({ length: 97 }, (_, i) => 0.02 + 0.01 * i).filter((p) => value(p) >= LOWEST);

  function Curve({ p, fresh, stale, answered, onDrag }) {
    const svg = useRef();
    const drag = (event) => {
      if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
      else if (event.type === "pointermove" && !event.buttons) return;
      const box = svg.current.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width * WIDTH - 30) / (WIDTH - 38);
      onDrag(Math.min(TO, Math.max(FROM, Math.round(at * 100) / 100)));
    };
    return html`
      <svg ref=${svg} class="clickable" viewBox="0 0 ${WIDTH} 212" role="img" onClick=${drag}
        aria-label="The value of the start over p, highest at ${BEST.toFixed(3)}; at p = ${p.toFixed(2)} it is ${value(
          p,
        ).toFixed(2)}.">
        ${[0, -20, -40, -60].map((v) =>
          html`
            <line class="axis" x1="30" x2=${WIDTH} y1=${y(v)} y2=${y(v)} />
            <text x="26" y=${y(v) + 4} text-anchor="end">${plain(v)}</text>
          `
        )}
        ${[0, 0.5, 1].map((at) => html`<text x=${x(at)} y="190" text-anchor="middle">${at}</text>`)}
        <text class="muted" x=${x(0.5)} y="207" text-anchor="middle">probability of right, p</text>
        <text class="muted" x="36" y="24">value of the start</text>
        <polyline class="curve" points=${grid.map((at) => `${x(at)},${y(value(at))}`).join(" ")} />
        ${answered && html`<path class="mark" d="M${x(BEST)},${y(value(BEST)) - 6}l-5,-10h10z" />`}
        <line class="plumb" x1=${x(p)} x2=${x(p)} y1=${y(value(p))} y2=${y(LOWEST)} />
        <rect class="climber stale" x=${x(stale) - 6} y=${y(value(stale)) - 6} width="12" height="12" />
        <circle class="climber fresh" cx=${x(fresh)} cy=${y(value(fresh))} r="6" />
        <circle class="here" cx=${x(p)} cy=${y(value(p))} r="7" />
        <circle class="handle" cx=${x(p)} cy=${y(value(p))} r="25" onPointerDown=${drag} onPointerMove=${drag} />
      </svg>
    `;
  }

  const NAMES = ["start", "switched", "last", "goal"];
  const Corridor = ({ state, steps }) =>
    html`
      <svg viewBox="0 0 ${WIDTH} 62" role="img"
        aria-label="The corridor: start, switched, last, goal; the walker is at ${NAMES[state]} after ${steps} steps.">
        ${NAMES.map((name, i) =>
          html`
            <rect class=${i === 3 ? "room goal" : "room"} x=${5 + i * 84} y="4" width="78" height="36" rx="4" />
            <text class="muted" x=${44 + i * 84} y="56" text-anchor="middle">${name}</text>
          `
        )}
        <circle class="walker" cx=${44 + state * 84} cy="22" r="11" />
      </svg>
    `;

  function Histogram({ estimates, exact }) {
    const bins = histogram(estimates, exact);
    const most = Math.max(10, ...bins.map(({ count }) => count)), wide = (WIDTH - 10) / bins.length;
    const at = (estimate) => 5 + (estimate + REACH) / BIN * wide;
    return html`
      <svg viewBox="0 0 ${WIDTH} 150" role="img"
        aria-label="${estimates.length} estimates from one walk each, ${wrong(
          estimates,
          exact,
        )} of them with the wrong sign.">
        ${bins.map(({ from, count, sign }) =>
          html`
            <rect class=${sign} x=${at(from) + 1} width=${wide - 2}
              y=${116 - count / most * 100} height=${count / most * 100} />
          `
        )}
        <line class="axis" x1="5" x2=${WIDTH - 5} y1="116" y2="116" />
        <path class="tick" d="M${at(Math.max(-REACH, Math.min(REACH, exact)))},8v112" />
        ${[-400, -200, 0, 200, 400].map((estimate, i) =>
          html`<text x=${at(estimate)} y="131" text-anchor=${i === 0 ? "start" : i === 4 ? "end" : "middle"}>${
            signed(estimate, 0)
          }</text>`
        )}
        <text class="muted" x=${WIDTH / 2} y="146" text-anchor="middle">estimate from one walk</text>
      </svg>
    `;
  }

  function ShortCorridor({ data: { p: first }, answered }) {
    const next = useMemo(() => random(1), []);
    const [p, setP] = useState(first);
    const [estimates, setEstimates] = useState([]);
    const [film, setFilm] = useState(null);
    const [climb, setClimb] = useState({ fresh: first, stale: first, from: first, steps: 0 });
    const [news, setNews] = useState("");
    const exact = derivative(p);
    const move = (to) => {
      setP(to);
      setEstimates([]);
      setFilm(null);
      setClimb({ fresh: to, stale: to, from: to, steps: 0 });
      setNews("");
    };

    const add = (walks) => {
      const all = [...estimates, ...walks.map(({ estimate }) => estimate)];
      setEstimates(all);
      const last = walks.at(-1);
      const one = walks.length === 1 ? `${last.states.length - 1} steps, estimate ${signed(last.estimate, 1)}. ` : "";
      setNews(
        `${one}${wrong(all, exact)} of ${all.length} estimates have the wrong sign; their mean is ${
          signed(sum(all) / all.length, 1)
        }, the derivative ${signed(exact, 2)}.`,
      );
    };
    const stroll = () => {
      const fresh = walk(p, next);
      if (still()) {
        setFilm({ ...fresh, at: fresh.states.length - 1 });
        add([fresh]);
      } else {
        setNews("");
        setFilm({ ...fresh, at: 0 });
      }
    };
    useEffect(() => {
      if (!film || film.at === film.states.length - 1) return;
      const timer = setTimeout(() => {
        setFilm({ ...film, at: film.at + 1 });
        if (film.at + 2 === film.states.length) add([film]);
      }, PACE);
      return () => clearTimeout(timer);
    }, [film]);

    const go = (count) => {
      let { fresh, stale, from, steps } = climb;
      for (let i = 0; i < count; i++) {
        fresh = ascend(fresh, undefined, RATE);
        stale = ascend(stale, credit(from), RATE);
      }
      steps += count;
      setClimb({ fresh, stale, from, steps });
      setNews(
        `After ${steps} steps the fresh climber is at ${plain(value(fresh), 1)}, the stale one at ${
          plain(value(stale), 1)
        }.`,
      );
    };

    return html`
      <div class="pictured two">
        <div>
          <${Curve} ...${{ p, fresh: climb.fresh, stale: climb.stale, answered, onDrag: move }} />
          <p class="legend"><span class="key here" /> p <span class="key fresh" /> fresh climber
            <span class="key stale" /> stale climber</p>
        </div>
        <div>
          <${Corridor} state=${film ? film.states[film.at] : 0} steps=${film ? film.at : 0} />
          <${Histogram} estimates=${estimates} exact=${exact} />
          <p class="legend"><span class="key right" /> right sign <span class="key wrong" /> wrong sign
            <span class="key tick" /> exact</p>
        </div>
      </div>
      <${Slider} name="probability of right, p" text=${p.toFixed(2)} min=${FROM} max=${TO} step="0.01"
        value=${p}
        onInput=${move} />
      <p>The start is worth ${plain(value(p), 2)}, and its derivative with respect to the logit
        is ${signed(exact, 2)}.</p>
      <p class="buttons">
        <button type="button" onClick=${stroll}>Walk once</button>
        <button type="button" data-pictured onClick=${() => {
          setFilm(null);
          add(Array.from({ length: 100 }, () => walk(p, next)));
        }}>Walk 100 times</button>
        <button type="button" onClick=${() => go(5)}>Climb 5 steps</button>
        <button type="button" onClick=${() => {
          move(first);
          setNews(`p is ${first} again; estimates and climbers begin anew.`);
        }}>Back to p = ${first}</button>
      </p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Value of the start" columns=${["at", "p", "value"]} rows=${[
          ["the handle", p],
          [`the fresh climber, after ${climb.steps} steps`, climb.fresh],
          ["the stale climber", climb.stale],
          ["the best", BEST],
        ].map(([name, at]) => [name, at.toFixed(4), plain(value(at), 2)])} />
        </${Numbers}>
    `;
  }

  show("corridor", {
    title: "The short corridor, to be walked",
    question:
      "At p = 0.3 the derivative with respect to the logit is +8.48: more to the right. In what share of single " +
      "walks will the estimate of it have the wrong sign?",
    answers: ["in one of ten", "in one of three", "in more than half"],
    seen:
      "In more than half: the estimates are right on average only, thanks to a few that are large. Of the climbers, " +
      "the stale one, which keeps the credit of its first policy, overtakes the fresh one, comes to −11.7, which is " +
      "nearly the best, −11.66, and then walks off the cliff: −378 after forty steps.",
  }, ShortCorridor);
})();
