// Chapter 5: what a constant baseline does to the mean of the gradient's estimate, and to its variance.
"use strict";

(() => {
  const { html, useMemo, useRef, useState } = htmPreact;
  const { show, Slider, Choice, Toggle, Numbers, Table, plain, signed, sum } = explorables;

  // The mathematics. A problem has `outcomes`, each with its chance, return and score.

  /** Mean and total variance of the estimate S (R − b), and each outcome's share of the variance. */
  function moments({ outcomes }, b) {
    const estimates = outcomes.map(({ score, return: R }) => score.map((s) => s * (R - b)));
    const mean = outcomes[0].score.map((_, k) => sum(outcomes.map(({ chance }, i) => chance * estimates[i][k])));
    const shares = outcomes.map(({ chance }, i) => chance * sum(mean.map((m, k) => (estimates[i][k] - m) ** 2)));
    return { estimates, mean, shares, variance: sum(shares) };
  }

  /** E[‖S‖² R] / E[‖S‖²], the baseline of the lowest variance. */
  function best({ outcomes }) {
    const square = outcomes.map(({ chance, score }) => chance * sum(score.map((s) => s * s)));
    return sum(outcomes.map((outcome, i) => square[i] * outcome.return)) / sum(square);
  }

  explorables.baseline = { moments, best };

  // The page.

  const WIDTH = 340, HEIGHT = 216, LEFT = 34, FLOOR = 178, LANE = 17;

  /** The parabola, with a handle on it; `onDrag` receives a baseline. */
  function Parabola({ problem, b, now, marks, onDrag }) {
    const { from, to } = problem, svg = useRef();
    const top = Math.max(moments(problem, from).variance, moments(problem, to).variance);
    const x = (value) => LEFT + ((value - from) / (to - from)) * (WIDTH - LEFT - 8);
    const y = (variance) => FLOOR - (variance / top) * (FLOOR - 12);
    const curve = useMemo(() => {
      const points = Array.from({ length: 81 }, (_, i) => from + ((to - from) * i) / 80);
      return points.map((value) => `${x(value)},${y(moments(problem, value).variance)}`).join(" ");
    }, [problem]);
    const drag = (event) => {
      if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
      else if (event.type === "pointermove" && !event.buttons) return;
      const box = svg.current.getBoundingClientRect();
      const value = from + (((event.clientX - box.left) / box.width * WIDTH - LEFT) / (WIDTH - LEFT - 8)) * (to - from);
      onDrag(Math.min(to, Math.max(from, Math.round(value / problem.step) * problem.step)));
    };
    return html`
      <svg ref=${svg} class="clickable" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" onClick=${drag}
        aria-label="The variance is a parabola in the baseline; at ${b.toFixed(2)} it is ${problem.digits(
          now.variance,
        )}.">
        <line class="axis" x1=${LEFT} x2=${WIDTH} y1=${FLOOR} y2=${FLOOR} />
        <line class="axis" x1=${LEFT} x2=${LEFT} y1="8" y2=${FLOOR} />
        ${problem.levels.map((variance) =>
          html`<text x=${LEFT - 5} y=${y(variance) + 4} text-anchor="end">${variance}</text>`
        )}
        <text class="muted" x="10" y=${FLOOR / 2} text-anchor="middle" transform="rotate(-90 10 ${FLOOR /
          2})">variance</text>
        ${[0, 1, 2, 3, 4].map((i) => from + (to - from) * i / 4).map((value) =>
          html`<text x=${x(value)} y=${FLOOR + 18} text-anchor="middle">${plain(value)}</text>`
        )}
        <text class="muted" x=${(LEFT + WIDTH) / 2} y=${HEIGHT - 4} text-anchor="middle">baseline b</text>
        <polyline class="curve" points=${curve} />
        ${marks.map(({ value, draw }) =>
          html`<path class="mark" d=${draw(x(value), y(moments(problem, value).variance))} />`
        )}
        <line class="plumb" x1=${x(b)} x2=${x(b)} y1=${y(now.variance)} y2=${FLOOR} />
        <circle class="here" cx=${x(b)} cy=${y(now.variance)} r="7" />
        <circle class="handle" cx=${x(b)} cy=${y(now.variance)} r="25" onPointerDown=${drag} onPointerMove=${drag} />
      </svg>
    `;
  }

  /** The total variance as a bar, made of the shares of the outcomes. */
  function Stack({ problem, now }) {
    const top = moments(problem, problem.from).variance;
    const scale = (WIDTH - LEFT - 8) / Math.max(top, moments(problem, problem.to).variance);
    let from = LEFT;
    return html`
      <svg class="stack" viewBox="0 0 ${WIDTH} 46" role="img"
        aria-label="The variance, ${problem.digits(now.variance)}, is the sum of ${now.shares
          .length} shares; see the table.">
        <text class="muted" x=${LEFT} y="12">variance ${problem.digits(now.variance)}, made of ${now.shares
          .length} shares</text>
        ${now.shares.map((share) => {
          const width = share * scale;
          const segment = html`<rect x=${from} y="20" width=${width} height="22" />`;
          from += width;
          return segment;
        })}
      </svg>
    `;
  }

  /** Each outcome's estimate of one component, as its distance from the mean, which does not move. */
  function Estimates({ problem, now, k }) {
    const middle = WIDTH / 2 + 24, { outcomes, reach } = problem, bottom = 26 + LANE * outcomes.length;
    const x = (value) => Math.max(60, Math.min(WIDTH - 6, middle + (value / reach) * (WIDTH - middle - 10)));
    return html`
      <svg class="estimates" viewBox="0 0 ${WIDTH} ${bottom + 18}" role="img"
        aria-label="The estimate of each outcome, for ${problem.components[k]}; their mean stays at ${signed(
          now.mean[k],
          3,
        )}.">
        <text x="38" y="14" text-anchor="end">return</text>
        <text class="muted" x=${middle} y="14" text-anchor="middle">estimate: score × (return − b)</text>
        <line class="axis" x1=${middle} x2=${middle} y1="22" y2=${bottom} />
        ${outcomes.map(({ chance, return: R }, i) => {
          const y = 32 + i * LANE, value = x(now.estimates[i][k]);
          return html`
            <text x="38" y=${y + 4} text-anchor="end">${signed(R)}</text>
            <line class="stem" x1=${x(now.mean[k])} x2=${value} y1=${y} y2=${y} />
            <circle class="dot" cx=${value} cy=${y} r=${Math.max(1.5, 13 * Math.sqrt(chance))} />
          `;
        })}
        <line class="mean" x1=${x(now.mean[k])} x2=${x(now.mean[k])} y1="20" y2=${bottom} />
        <path class="balance" d="M${x(now.mean[k])},${bottom}l-6,10h12z" />
        <text x=${x(now.mean[k]) + 10} y=${bottom + 11}>mean ${signed(now.mean[k], 3)}</text>
      </svg>
    `;
  }

  const square = (x, y) => `M${x - 5},${y - 5}h10v10h-10z`;
  const ring = (x, y) => `M${x - 5},${y}a5,5 0 1 0 10,0a5,5 0 1 0 -10,0z`;
  const star = (x, y) =>
    "M" + Array.from({ length: 10 }, (_, i) => {
      const radius = i % 2 ? 3.2 : 8, angle = (i * Math.PI) / 5;
      return `${x + radius * Math.sin(angle)},${y - radius * Math.cos(angle)}`;
    }).join("L") + "z";

  function Baseline({ data, answered }) {
    const problems = useMemo(() =>
      data.map((problem) => ({
        ...problem,
        digits: (x) => x.toFixed(problem.decimals),
        mean: sum(problem.outcomes.map((outcome) => outcome.chance * outcome.return)),
      })), []);
    const [which, setWhich] = useState(0);
    const [b, setB] = useState(0);
    const [k, setK] = useState(0);
    const [news, setNews] = useState("");
    const problem = problems[which], now = moments(problem, b);
    const marks = [
      { name: "none", value: 0, draw: square, glyph: "■" },
      { name: problem.meaning, value: problem.mean, draw: ring, glyph: "●" },
      { name: "optimal", value: best(problem), draw: star, glyph: "★" },
    ];
    const open = (i) => {
      setWhich(i);
      setB(0);
      setK(0);
      setNews("");
    };
    const drag = (value) => {
      setB(value);
      setNews("");
    };
    const put = ({ name, value }) => {
      setB(value);
      setNews(
        `Baseline ${value.toFixed(2)} (${name}): variance ${problem.digits(moments(problem, value).variance)}, ` +
          `mean ${signed(now.mean[k], 3)} as before.`,
      );
    };

    return html`
      <p class="buttons">${problems.map(({ name }, i) =>
        html`<${Toggle} on=${which === i} onClick=${() => open(i)}>${name}</${Toggle}>`
      )}</p>
      <div class="pictured two">
        <div>
          <${Parabola} key=${which} ...${{ problem, b, now, marks: answered ? marks : [], onDrag: drag }} />
          <${Stack} problem=${problem} now=${now} />
        </div>
        <${Estimates} problem=${problem} now=${now} k=${k} />
      </div>
      <div class="two">
        <${Slider} name="baseline b" text=${b.toFixed(2)} min=${problem.from} max=${problem.to} step=${problem.step}
          value=${b} onInput=${drag} />
        ${problem.components.length > 1 && html`
          <${Choice} name="Component shown" value=${problem.components[k]} among=${problem.components}
            onChange=${(name) => setK(problem.components.indexOf(name))} />
        `}
      </div>
      <p class="buttons">Set b: ${marks.map((mark) =>
        html`<button type="button" onClick=${() => put(mark)}>
          <span aria-hidden="true">${mark.glyph} </span>${mark.name}</button>`
      )}</p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Three baselines" columns=${["baseline", "b", "variance"]} rows=${marks.map((
          { name, value },
        ) => [
          name,
          value.toFixed(2),
          problem.digits(moments(problem, value).variance),
        ])} />
        <${Table} caption="Each outcome, with the baseline as it is set"
          columns=${["outcome", "return", "chance", "share of the variance"]}
          rows=${problem.outcomes.map((outcome, i) => [
            outcome.name,
            signed(outcome.return),
            outcome.chance.toFixed(4),
            problem.digits(now.shares[i]),
          ])} />
        </${Numbers}>
    `;
  }

  show("baseline", {
    title: "A baseline to be dragged",
    question: "The mean return of the hike is 1.36. Is it the baseline with the lowest variance?",
    answers: ["yes", "no, a lower one is", "no, a higher one is"],
    seen:
      "The mean never moves, and the variance is a parabola. On the hike it is lowest at b = 1.00, below the mean " +
      "return of 1.36: 1.651 against 1.751, and 2.432 without a baseline. In the bandit it is 0 at b = 0.1, where all " +
      "estimates are equal, and 64 times as large at the value, 0.9, as without a baseline.",
  }, Baseline);
})();
