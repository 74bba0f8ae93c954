// Chapter 10: what the clip does to one sample, and to a batch of hikes that is ascended for many epochs.
"use strict";

(() => {
  const { html, useMemo, useRef, useState } = htmPreact;
  const { show, Slider, Choice, Toggle, Numbers, Table, random, draw, softmax, sum, signed } = explorables;
  const { inWeather, exact } = explorables.hike;

  // The mathematics. A batch is a list of different samples: `state`, `action`, `weight`, and how often each occurs.

  /** What a sample adds to the clipped surrogate: both branches, the smaller one, and its derivative in the ratio. */
  function gain(ratio, weight, clip) {
    const whole = ratio * weight, clipped = Math.min(1 + clip, Math.max(1 - clip, ratio)) * weight;
    const silent = weight > 0 ? ratio > 1 + clip : weight < 0 && ratio < 1 - clip;
    return { whole, clipped, least: Math.min(whole, clipped), silent, slope: silent ? 0 : weight };
  }

  /** The samples of these hikes, the best first. */
  function samples({ trajectories }, hikes) {
    const found = new Map();
    for (const { steps, weights } of hikes.map((i) => trajectories[i])) {
      steps.forEach(([state, action], t) => {
        const key = [state, action, weights[t]].join();
        const { count } = found.get(key) ?? { count: 0 };
        found.set(key, { state, action, weight: weights[t], count: count + 1 });
      });
    }
    return [...found.values()].sort((one, other) => other.weight - one.weight);
  }

  /** The logits after each epoch of gradient ascent on the clipped surrogate of so many hikes; the first are `theta`. */
  function ascend(theta, batch, { hikes, rate, clip, epochs }) {
    const old = theta.map(softmax), path = [theta];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const policy = path[epoch].map(softmax), next = path[epoch].map((row) => [...row]);
      for (const { state, action, weight, count } of batch) {
        const ratio = policy[state][action] / old[state][action];
        const push = rate * count / hikes * ratio * gain(ratio, weight, clip).slope;
        policy[state].forEach((p, a) => next[state][a] += push * ((a === action) - p));
      }
      path.push(next);
    }
    return path;
  }

  /** What has become of a batch: of its samples, each with its `ratio`, and of the policy. */
  function measure({ theta, visits, ...hike }, batch, logits, clip, border = clip) {
    const old = theta.map(softmax), policy = logits.map(softmax);
    const moved = batch.map((sample) => {
      const ratio = policy[sample.state][sample.action] / old[sample.state][sample.action];
      const outside = ratio > 1 + border || ratio < 1 - border;
      return { ...sample, ratio, outside, silent: gain(ratio, sample.weight, clip).silent };
    });
    const count = (group) => sum(group.map((sample) => sample.count));
    const share = (kind) => count(moved.filter((sample) => sample[kind])) / count(moved);
    const kls = old.map((row, s) => visits[s] * sum(row.map((p, a) => p * Math.log(p / policy[s][a]))));
    return {
      moved,
      kl: sum(kls) / sum(visits),
      largest: Math.max(...moved.map(({ ratio }) => ratio)),
      outside: share("outside"),
      silent: share("silent"),
      objective: exact(logits, inWeather(hike, hike.ridge)).objective,
    };
  }

  explorables.theClip = { gain, samples, ascend, measure };

  // The page.

  const WIDTH = 340, two = (x) => x.toFixed(2), percent = (x) => `${Math.round(100 * x)}%`;

  // One sample.

  const LEFT = 30, RIGHT = 330, TOP = 18, FLOOR = 186, MOST = 3;
  const across = (ratio) => LEFT + ratio / MOST * (RIGHT - LEFT);

  /** The gain over the ratio, with a handle on it; `onDrag` receives a ratio. */
  function Gain({ ratio, sign, clip, limit, onDrag }) {
    const svg = useRef(), now = gain(ratio, sign, clip), edge = 1 + sign * clip;
    const y = (value) => FLOOR - (value + (sign < 0 ? MOST : 0)) / MOST * (FLOOR - TOP);
    const line = (points, of) => points.map((at) => `${across(at)},${y(gain(at, sign, clip)[of])}`).join(" ");
    const moving = sign > 0 ? [0, edge] : [edge, MOST], flat = sign > 0 ? [edge, MOST] : [0, edge];
    const drag = (event) => {
      if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
      else if (event.type === "pointermove" && !event.buttons) return;
      const box = svg.current.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width * WIDTH - LEFT) / (RIGHT - LEFT) * MOST;
      onDrag(Math.min(MOST, Math.max(0, Math.round(100 * at) / 100)));
    };
    return html`
      <svg ref=${svg} class="gain clickable" viewBox="0 0 ${WIDTH} 222" role="img" onClick=${drag}
        aria-label="Gain of a sample with A = ${signed(sign, 0)} over its ratio: at ${two(ratio)} it is ${signed(
          now.least,
        )}, with slope ${signed(now.slope, 0)}.">
        ${[0, 1, 2, 3].map((i) => i - (sign < 0 ? MOST : 0)).map((value) =>
          html`
            <line class="axis" x1=${LEFT} x2=${RIGHT} y1=${y(value)} y2=${y(value)} />
            <text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${signed(value, 0)}</text>
          `
        )}
        <rect class="reach" x=${across(1 - clip)} width=${across(1 + clip) - across(1 - clip)} y=${TOP}
          height=${FLOOR - TOP} />
        <polyline class="whole" points=${line([0, MOST], "whole")} />
        <polyline class="cut" points=${line([0, 1 - clip, 1 + clip, MOST], "clipped")} />
        <polyline class="pushes" points=${line(moving, "least")} />
        <polyline class="rests" points=${line(flat, "least")} />
        ${limit < MOST && html`
          <rect class="beyond" x=${across(limit)} width=${RIGHT - across(limit)} y=${TOP} height=${FLOOR - TOP} />
          <line class="stop" x1=${across(limit)} x2=${across(limit)} y1=${TOP} y2=${FLOOR} />
        `}
        <text class="muted" x=${LEFT} y="11">gain</text>
        <text class="muted" x=${across(1)} y="11" text-anchor="middle">1 ± ε</text>
        ${[0, 1, 2, 3].map((at) => html`<text x=${across(at)} y=${FLOOR + 16} text-anchor="middle">${at}</text>`)}
        <text class="muted" x=${across(MOST / 2)} y="219" text-anchor="middle">ratio ρ</text>
        <${Point} ...${{
          x: across(ratio),
          y: y(now.least),
          silent: now.silent,
          outside: Math.abs(ratio - 1) > clip,
          size: 8,
        }} />
        <circle class="handle" cx=${across(ratio)} cy=${y(now.least)} r="25" onPointerDown=${drag}
          onPointerMove=${drag} />
      </svg>
    `;
  }

  /** A sample: a disc while it has a gradient, with a rim when it is outside; a square when it is silent. */
  const Point = ({ x, y, silent, outside, size }) =>
    silent
      ? html`<rect class="sample silent" x=${x - size + 1} y=${y - size + 1} width=${2 * size - 2} height=${
        2 * size -
        2
      } />`
      : html`<circle class=${outside ? "sample outside" : "sample"} cx=${x} cy=${y} r=${size} />`;

  function Sample() {
    const [sign, setSign] = useState(1);
    const [wanted, setWanted] = useState(1);
    const [before, setBefore] = useState(0.3);
    const [clip, setClip] = useState(0.2);
    const limit = 1 / before, ratio = Math.min(wanted, limit), now = gain(ratio, sign, clip);
    const smaller = now.whole === now.clipped
      ? "Both are the same"
      : `The ${now.silent ? "second" : "first"} is smaller`;
    const said = `ρA is ${signed(now.whole)} and clip(ρ)A is ${signed(now.clipped)}. ${smaller}, and the slope is ${
      signed(now.slope, 0)
    }${now.silent ? ": the sample is silent" : ""}. The ratio ends at ${two(limit)}, where the action is certain${
      limit > 1 + clip ? "" : ", so it can never be clipped upwards"
    }.`;
    return html`
      <div role="group" aria-label="One sample">
        <p><strong>One sample</strong></p>
        <div class="two">
          <div>
            <${Gain} ...${{ ratio, sign, clip, limit, onDrag: setWanted }} />
            <p class="legend"><span class="key whole" /> ρA <span class="key cut" /> clip(ρ)A
              <span class="key pushes" /> the smaller <span class="key rests" /> silent</p>
          </div>
          <div>
            <p class="buttons">${[1, -1].map((value) =>
              html`<${Toggle} on=${sign === value} onClick=${() => setSign(value)}>A = ${signed(value, 0)}</${Toggle}>`
            )}</p>
            <${Slider} name="ratio ρ" text=${two(ratio)} min="0" max=${Math.min(MOST, limit)} step="0.01"
              value=${ratio} onInput=${setWanted} />
            <${Slider} name="clip ε" text=${two(clip)} min="0.05" max="0.5" step="0.01" value=${clip}
              onInput=${setClip} />
            <${Slider} name="old probability" text=${two(before)} min="0.05" max="0.95" step="0.01" value=${before}
              onInput=${setBefore} />
          </div>
        </div>
        <p>${said}</p>
      </div>
    `;
  }

  // A batch.

  const STOPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 140, 200];
  const LAST = STOPS.length - 1, RATES = [0.1, 0.3, 1], SIZES = [3, 16];
  const NAMES = 132, LANE = 22, LEAST = 0.1, GREATEST = 4;
  const along = (ratio) => {
    const share = Math.log(Math.min(GREATEST, Math.max(LEAST, ratio)) / LEAST) / Math.log(GREATEST / LEAST);
    return NAMES + share * (WIDTH - 8 - NAMES);
  };
  const action = ({ names }, { state, action }) => `${names[state]}, ${action ? "climb" : "path"}`;

  /** A rail for each sample, on which its ratio slides as far as its probability allows. */
  function Rails({ data, now, free, clip, epoch }) {
    const bottom = 20 + LANE * now.moved.length, good = now.moved.filter(({ weight }) => weight > 0).length;
    const middle = 20 + LANE * good, low = along(1 - clip), high = along(1 + clip);
    const wrong = now.moved.filter(({ outside, silent }) => outside && !silent).length;
    return html`
      <svg class="rails" viewBox="0 0 ${WIDTH} ${bottom + 38}" role="img"
        aria-label="The ratios of ${now.moved.length} different samples after ${epoch} epochs: ${now.moved.filter((
          { silent },
        ) => silent).length} are silent, ${wrong} are outside and have a gradient; the largest is ${two(now.largest)}.">
        <text class="muted" x="34" y="12" text-anchor="end">A</text>
        <text class="muted" x="42" y="12">sample</text>
        <rect class="quiet" x=${high} width=${WIDTH - 8 - high} y="20" height=${middle - 20} />
        <rect class="quiet" x=${NAMES} width=${low - NAMES} y=${middle} height=${bottom - middle} />
        <line class="plumb" x1=${along(1)} x2=${along(1)} y1="20" y2=${bottom} />
        ${now.moved.map((sample, i) => {
          const y = 20 + LANE * (i + 0.5), { ratio, weight, silent, outside, count } = sample;
          const end = along(1 / softmax(data.theta[sample.state])[sample.action]);
          return html`
            <text x="34" y=${y + 4} text-anchor="end">${signed(weight)}</text>
            <text x="42" y=${y + 4}>${action(data, sample)}</text>
            <path class="rail" d=${`M${NAMES},${y}H${end}m0,-5v10`} />
            <circle class="free" cx=${along(free.moved[i].ratio)} cy=${y} r="4.5" />
            <line class="trail" x1=${along(1)} x2=${along(ratio)} y1=${y} y2=${y} />
            <${Point} ...${{ x: along(ratio), y, silent, outside, size: 6 + Math.min(3, count - 1) }} />
          `;
        })}
        ${[0.1, 0.2, 0.5, 1, 2, 4].map((at) =>
          html`<text x=${along(at)} y=${bottom + 15} text-anchor="middle">${at === LEAST ? "≤ " : ""}${at}</text>`
        )}
        <text class="muted" x=${(NAMES + WIDTH) / 2} y=${bottom + 33} text-anchor="middle">ratio ρ</text>
      </svg>
    `;
  }

  /** The divergence over the epochs, with the clip and without. */
  function Divergence({ curves, k, kls }) {
    const x = (i) => 42 + i / LAST * (WIDTH - 56);
    const y = (kl) => 178 - Math.log10(Math.min(10, Math.max(1e-4, kl)) / 1e-4) / 5 * 160;
    const line = (curve) => curve.map((kl, i) => `${x(i).toFixed(1)},${y(kl).toFixed(1)}`).join(" ");
    return html`
      <svg class="divergence" viewBox="0 0 ${WIDTH} 214" role="img"
        aria-label="Mean divergence over the epochs; after ${STOPS[k]} it is ${kls[0].toFixed(
          3,
        )} with the clip and ${kls[1].toFixed(3)} without.">
        <text class="muted" x="42" y="11">mean KL</text>
        ${[0.0001, 0.001, 0.01, 0.1, 1, 10].map((kl) =>
          html`
            <line class="axis" x1="42" x2=${WIDTH - 8} y1=${y(kl)} y2=${y(kl)} />
            <text x="37" y=${y(kl) + 4} text-anchor="end">${kl}</text>
          `
        )}
        <line class="plumb" x1=${x(k)} x2=${x(k)} y1="18" y2="178" />
        <polyline class="free" points=${line(curves[1])} />
        <polyline class="held" points=${line(curves[0])} />
        <circle class="free" cx=${x(k)} cy=${y(kls[1])} r="5" />
        <circle class="sample" cx=${x(k)} cy=${y(kls[0])} r="6" />
        ${[0, 1, 5, 10, 50, 200].map((epoch) =>
          html`<text x=${x(STOPS.indexOf(epoch))} y="193" text-anchor="middle">${epoch}</text>`
        )}
        <text class="muted" x="188" y="211" text-anchor="middle">epoch</text>
      </svg>
    `;
  }

  const cells = ({ kl, largest, outside, silent, objective }) => [
    kl.toFixed(3),
    two(largest),
    percent(outside),
    percent(silent),
    objective.toFixed(3),
  ];

  function Batch({ data }) {
    const next = useMemo(() => random(1), []);
    const [hikes, setHikes] = useState(data.first);
    const [k, setK] = useState(0);
    const [clip, setClip] = useState(0.2);
    const [rate, setRate] = useState(1);
    const [news, setNews] = useState("");
    const batch = useMemo(() => samples(data, hikes), [hikes]);
    const ends = (limit) => ascend(data.theta, batch, { hikes: hikes.length, rate, clip: limit, epochs: STOPS[LAST] });
    const [held, free] = useMemo(
      () =>
        [clip, Infinity].map((limit) =>
          ends(limit).filter((_, epoch) => STOPS.includes(epoch)).map((theta) =>
            measure(data, batch, theta, limit, clip)
          )
        ),
      [batch, rate, clip],
    );
    const quietly = (set) => (value) => {
      set(value);
      setNews("");
    };
    const play = (size) =>
      Array.from({ length: size }, () => draw(data.trajectories.map(({ chance }) => chance), next));
    const finish = () => {
      setK(LAST);
      setNews(
        `After ${STOPS[LAST]} epochs, ε = ${two(clip)}: largest ratio ${two(held[LAST].largest)}, mean KL ${
          held[LAST].kl.toFixed(3)
        }; ${percent(held[LAST].silent)} of the samples are silent. Without the clip: ${two(free[LAST].largest)} and ${
          free[LAST].kl.toFixed(3)
        }.`,
      );
    };
    const anew = () => {
      const drawn = play(hikes.length);
      setHikes(drawn);
      setNews(`${hikes.length} new hikes: ${sum(samples(data, drawn).map(({ count }) => count))} samples.`);
    };
    const now = held[k], columns = ["mean KL", "largest ratio", "outside", "silent", "J"];

    return html`
      <div role="group" aria-label="A batch">
        <p><strong>A batch of ${hikes.length} hikes</strong></p>
        <div class="pictured two">
          <div>
            <${Rails} ...${{ data, now, free: free[k], clip, epoch: STOPS[k] }} />
            <p
              class="legend"><span class="key sample" /> has a gradient <span class="key sample outside" /> outside
              <span class="key silent" /> silent <span class="key free" /> no clip</p>
          </div>
          <div>
            <${Divergence} ...${{
              curves: [held, free].map((runs) => runs.map(({ kl }) => kl)),
              k,
              kls: [now.kl, free[k].kl],
            }} />
            <p class="legend"><span class="key held" /> ε = ${two(
              clip,
            )} <span class="key free line" /> no clip</p>
          </div>
        </div>
        <div class="two">
          <${Slider} name="epochs" text=${String(STOPS[k])} min="0" max=${LAST} step="1" value=${k}
            onInput=${quietly(setK)} />
          <${Slider} name="clip ε" text=${two(clip)} min="0.05" max="0.5" step="0.01" value=${clip}
            onInput=${quietly(setClip)} />
        </div>
        <p class="buttons">
          <button type="button" data-pictured onClick=${finish}>Go to epoch ${STOPS[LAST]}</button>
          <button type="button" onClick=${anew}>Play new hikes</button>
          <${Choice} name="Hikes" value=${String(hikes.length)} among=${SIZES.map(String)}
            onChange=${(text) => quietly(setHikes)(play(+text))} />
          <${Choice} name="Step" value=${String(rate)} among=${RATES.map(String)}
            onChange=${(text) => quietly(setRate)(+text)} />
        </p>
        <p role="status">${news}</p>
        <${Table} caption="After ${STOPS[k]} epochs" columns=${["", ...columns]}
          rows=${[[`ε = ${two(clip)}`, ...cells(now)], ["no clip", ...cells(free[k])]]} />
        <${Numbers}>
          <${Table} caption="The samples, after ${STOPS[k]} epochs"
            columns=${["sample", "how often", "A", "ρ", "", "ρ, no clip"]}
            rows=${now.moved.map((sample, i) => [
              action(data, sample),
              String(sample.count),
              signed(sample.weight),
              two(sample.ratio),
              sample.silent ? "silent" : "has a gradient",
              two(free.at(k).moved[i].ratio),
            ])} />
          <${Table} caption="Over the epochs, ε = ${two(clip)}" columns=${["epochs", ...columns]}
            rows=${[0, 1, 10, 50, 200].map((epoch) => [String(epoch), ...cells(held[STOPS.indexOf(epoch)])])} />
          </${Numbers}>
          </div>
    `;
  }

  show("the-clip", {
    title: "The clip, on one sample and on a batch",
    question: "A batch of three hikes is ascended for 200 epochs, with ε = 0.2. Can a sample end with a ratio of 1.8?",
    answers: ["no, 1.2 is the most", "only without the clip", "yes, with the clip, too"],
    seen:
      "Yes: in the batch shown first one ends at 1.86; without the clip it would be 3.71. The clip bounds neither the " +
      "ratio nor the divergence. It silences samples that have gone far enough where their advantage pushes them; but a " +
      "step that begins inside may end far outside, and a bad sample that the others have pushed up keeps its gradient " +
      "for ever. Many small steps it does hold back: with steps of 0.1 the largest ratio ends at 1.23. And climbing on " +
      "the ridge, of probability 0.93 to begin with, is certain before it reaches the clip.",
  }, ({ data }) =>
    html`
      <${Sample} />
      <${Batch} data=${data} />
    `);
})();
