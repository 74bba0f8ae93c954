// Chapter 2: estimates of the gradient, each from a few hikes, scatter around it, with and without a baseline.
"use strict";

(() => {
  const { html, useMemo, useState } = htmPreact;
  const { show, Choice, Numbers, Table, random, draw, signed, sum } = explorables;
  const { exact, inWeather } = explorables.hike;

  // The mathematics; `now` is what is known exactly of a policy.

  /** The estimate of the gradient from the hikes with the given indices: the mean of score × (return − b). */
  const estimate = ({ scores }, tau, drawn, b) =>
    scores[0].map((row, s) =>
      row.map((_, a) => sum(drawn.map((i) => (tau[i].return - b) * scores[i][s][a])) / drawn.length)
    );

  const square = (rows) => sum(rows.flat().map((x) => x * x));
  const minus = (one, other) => one.map((row, s) => row.map((x, a) => x - other[s][a]));

  /** The variance of the estimate from a single hike, summed over all logits. */
  const variance = (now, tau, b) =>
    sum(now.probabilities.map((p, i) => p * square(minus(estimate(now, tau, [i], b), now.total))));

  /** The root of the mean squared distance of estimates from the gradient. */
  const error = ({ total }, estimates) =>
    Math.sqrt(sum(estimates.map((rows) => square(minus(rows, total)))) / estimates.length);

  explorables.hikeEstimates = { estimate, variance, error };

  // The page: an estimate is a point, of which the components for climbing at the trailhead and on the ridge are shown.

  const KINDS = [
    { name: "the return", mark: "plain", baseline: () => 0 },
    { name: "the return − J", mark: "less", baseline: (J) => J },
  ];
  const EVEN = "even odds everywhere", CHAPTER = "this chapter’s";
  const LATER = "after your prediction";
  const SIZE = 340, REACH = 0.8, MANY = 50, MOST = 400, HIKES = [1, 4, 16, 64, 256];
  const across = (value) => SIZE / 2 * (1 + Math.max(-1, Math.min(1, value / REACH)));
  const up = (value) => SIZE - across(value);

  const Point = ({ mark, at: [x, y] }) =>
    mark === "plain"
      ? html`<circle class="estimate ${mark}" cx=${x} cy=${y} r="4" />`
      : html`<rect class="estimate ${mark}" x=${x - 3.5} y=${y - 3.5} width="7" height="7" />`;

  function Plane({ now, estimates }) {
    const place = (rows) => [across(rows[0][1]), up(rows[2][1])];
    const [x, y] = place(now.total), middle = SIZE / 2;
    const length = Math.hypot(x - middle, y - middle) || 1;
    const [dx, dy] = [(x - middle) / length, (y - middle) / length];
    return html`
      <svg class="plane" viewBox="-12 -6 ${SIZE + 24} ${SIZE + 34}" role="img"
        aria-label="The gradient as an arrow, ${signed(now.total[0][1])} for climbing at the trailhead and ${signed(
          now.total[2][1],
        )} on the ridge, and ${estimates.length} estimates of each kind around it.">
        <rect class="frame" x="-6" y="-6" width=${SIZE + 12} height=${SIZE + 12} />
        <line class="axis" x1="0" x2=${SIZE} y1=${middle} y2=${middle} />
        <line class="axis" x1=${middle} x2=${middle} y1="0" y2=${SIZE} />
        <text class="muted" x="2" y=${middle - 5}>path</text>
        <text class="muted" x=${SIZE - 2} y=${middle - 5} text-anchor="end">climb</text>
        <text class="muted" x=${middle + 5} y="10">climb, on the ridge</text>
        <text class="muted" x=${middle + 5} y=${SIZE - 4}>path</text>
        <text class="muted" x=${middle} y=${SIZE + 22} text-anchor="middle">at the trailhead</text>
        ${estimates.map((both) => KINDS.map(({ mark }, k) => html`<${Point} mark=${mark} at=${place(both[k])} />`))}
        <path class="gradient" d="M${middle},${middle}L${x},${y}" />
        <path class="tip" d="M${x + 3 * dx},${y + 3 * dy}L${x - 9 * dx - 6 * dy},${y - 9 * dy + 6 * dx}L${x - 9 * dx +
          6 * dy},${y - 9 * dy - 6 * dx}z" />
      </svg>
    `;
  }

  function Errors({ now, found, hikes, spreads, answered }) {
    const length = Math.sqrt(square(now.total)), most = Math.max(length, ...spreads, ...found);
    const width = (value) => value / most * 230;
    const bars = [
      { name: "length of ∇J", value: length, mark: "whole" },
      ...KINDS.map(({ name, mark }, k) => ({ name: `error with ${name}`, value: spreads[k], mark, seen: found[k] })),
    ];
    return html`
      <svg class="errors" viewBox="0 0 ${SIZE} 150" role="img"
        aria-label="The length of the gradient, ${length.toFixed(3)}${answered
          ? `, beside the errors to be expected of an estimate from ${hikes} hikes: ${
            spreads.map((value, k) => `${value.toFixed(3)} with ${KINDS[k].name}`).join(", ")
          }`
          : "; the errors come after your prediction"}.">
        ${bars.slice(0, answered ? 3 : 1).map(({ name, value, mark, seen }, i) =>
          html`
            <text x="0" y=${14 + i * 50}>${name}</text>
            <rect class=${mark} x="0" y=${20 + i * 50} width=${width(value)} height="18" />
            ${seen !== undefined && html`<path class="tick" d="M${width(seen)},${17 + i * 50}v24" />`}
            <text x=${width(Math.max(value, seen ?? 0)) + 6} y=${34 + i * 50}>${value.toFixed(3)}</text>
          `
        )}
      </svg>
    `;
  }

  function Estimates({ data, answered }) {
    const tau = useMemo(() => inWeather(data, data.ridge), []);
    const next = useMemo(() => random(1), []);
    const [policy, setPolicy] = useState(EVEN);
    const [hikes, setHikes] = useState(16);
    const [estimates, setEstimates] = useState([]);
    const [news, setNews] = useState("");
    const now = useMemo(() => exact(policy === EVEN ? data.theta.map(() => [0, 0]) : data.theta, tau), [policy]);
    const baselines = KINDS.map(({ baseline }) => baseline(now.objective));
    const spreads = baselines.map((b) => Math.sqrt(variance(now, tau, b) / hikes));
    const errors = (all) => all.length ? KINDS.map((_, k) => error(now, all.map((both) => both[k]))) : [];
    const anew = (set) => (value) => {
      set(value);
      setEstimates([]);
      setNews("");
    };
    const sample = () => {
      const fresh = Array.from({ length: MANY }, () => {
        const drawn = Array.from({ length: hikes }, () => draw(now.probabilities, next));
        return baselines.map((b) => estimate(now, tau, drawn, b));
      });
      const all = [...estimates, ...fresh].slice(-MOST);
      setEstimates(all);
      setNews(
        `${all.length} estimates from ${hikes} ${hikes === 1 ? "hike" : "hikes"} each: error ${
          errors(all).map((value, k) => `${value.toFixed(3)} with ${KINDS[k].name}`).join(", ")
        }.`,
      );
    };
    const found = errors(estimates);

    return html`
      <div class="pictured two">
        <${Plane} ...${{ now, estimates }} />
        <div>
          <${Errors} ...${{ now, found, hikes, spreads, answered }} />
          <p class="legend">Each point is an estimate: <span class="key plain" /> with the return
            <span class="key less" /> with the return − J, from the same hikes; at the rim, what lies beyond it. The
            arrow is ∇J <span class="key tick" /> error of the estimates drawn</p>
        </div>
      </div>
      <p class="buttons">
        <${Choice} name="Hikes in an estimate" value=${String(hikes)} among=${HIKES.map(String)}
          onChange=${(text) => anew(setHikes)(+text)} />
        <${Choice} name="Policy" value=${policy} among=${[EVEN, CHAPTER]} onChange=${anew(setPolicy)} />
        <button type="button" data-pictured onClick=${sample}>Draw ${MANY} estimates</button>
      </p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Error of an estimate from ${hikes} hikes"
          columns=${["each score times", "expected", `in ${estimates.length} estimates`]}
          rows=${KINDS.map((
            { name },
            k,
          ) => [name, answered ? spreads[k].toFixed(3) : LATER, found[k]?.toFixed(3) ?? "–"])} />
        <${Table} caption="∇J, for the logits of climbing" columns=${["place", "component"]}
          rows=${[0, 1, 2].map((s) => [data.names[s], signed(now.total[s][1], 4)])} />
        </${Numbers}>
    `;
  }

  show("hike-estimates", {
    title: "Estimates around the gradient",
    question: "At even odds ∇J is 0.55 long. How far off, typically, is an estimate of it from sixteen hikes?",
    answers: ["by about 0.05", "by about 0.15", "by about 0.4"],
    seen:
      "By 0.38, two thirds of what it estimates, and it takes four times as many hikes to halve that. To subtract J " +
      "from each return moves no mean; it helps, though not much: 0.34. At this chapter’s policy ∇J itself is only 0.12 " +
      "long, and sixteen hikes miss it by three times its length.",
  }, Estimates);
})();
