// Chapter 2: each trajectory pulls at the policy, and the pulls add up to the gradient.
"use strict";

(() => {
  const { html, useMemo, useState } = htmPreact;
  const { show, Slider, Choice, Numbers, Table, signed } = explorables;
  const { inWeather, exact, returned, ownReward, climb, difference, setDifference } = explorables.hike;

  const RATE = 2, REACH = 4, PLACES = [0, 1, 2];
  const WEIGHTS = { "the return of the whole hike": returned, "its own step’s reward (the wrong line)": ownReward };
  const [WHOLE] = Object.keys(WEIGHTS);
  const EVEN = [[0, 0], [0, 0], [0, 0], [0, 0]];

  // The picture: a row for each hike, with its return, its probability, and a cell for each place where it chose.
  const WIDTH = 340, TOP = 34, ROW = 25, HALF = 35, MAGNIFIED = 3;
  const centre = (place) => 150 + 76 * place;
  const bar = (x, from, y, height) => ({ x: from + Math.min(0, x), y, width: Math.abs(x), height });
  const within = (x) => Math.max(-HALF, Math.min(HALF, x));

  const Cell = ({ place, y, chosen, score, pull, value }) =>
    html`
      <text x=${centre(place) + (chosen ? 3 : -3)} y=${y + 9} text-anchor=${chosen ? "start" : "end"}>
        ${chosen ? "climb" : "path"}</text>
      <rect class="score" ...${bar(score * HALF, centre(place), y + 12, 9)} />
      <rect class=${value < 0 ? "against" : "towards"} ...${bar(
        within(MAGNIFIED * pull * HALF),
        centre(place),
        y + 14,
        5,
      )} />
    `;

  function Row({ trajectory, y, i, now }) {
    const R = trajectory.return;
    return html`
      <text x="40" y=${y + 17} text-anchor="end">${signed(R)}</text>
      <rect class="probability" x="48" y=${y + 9} width=${Math.min(1, 2 * now.probabilities[i]) * 50} height="12" />
      ${trajectory.steps.map(([s, chosen]) =>
        html`<${Cell} ...${{
          place: s,
          y,
          chosen,
          score: now.scores[i][s][1],
          pull: now.pulls[i][s][1],
          value: now.terms[i][s][1] * now.scores[i][s][1],
        }} />`
      )}
    `;
  }

  function Picture({ names, tau, order, now, gradient }) {
    const bottom = TOP + 12 * ROW + 8;
    const leaning = PLACES.map((s) => `${signed(now.total[s][1], 3)} at the ${names[s]}`).join(", ");
    return html`
      <svg class="hikes" viewBox="0 0 ${WIDTH} ${bottom + 42}" role="img"
        aria-label="Twelve hikes with their pulls, which sum to ${leaning}; plus is towards climbing. The table has all.">
        <text x="40" y="24" text-anchor="end">return</text>
        <text x="48" y="24">chance</text>
        ${PLACES.map((s) =>
          html`
            <text x=${centre(s)} y="10" text-anchor="middle">${names[s]}</text>
            <text class="muted" x=${centre(s) - 3} y="24" text-anchor="end">path</text>
            <text class="muted" x=${centre(s) + 3} y="24">climb</text>
            <line class="axis" x1=${centre(s)} x2=${centre(s)} y1="30" y2=${bottom + 30} />
          `
        )}
        ${order.map((i, row) => html`<${Row} ...${{ trajectory: tau[i], y: TOP + row * ROW, i, now }} />`)}
        <line class="axis" x1="0" x2=${WIDTH} y1=${bottom - 2} y2=${bottom - 2} />
        <text x="98" y=${bottom + 18} text-anchor="end">sum</text>
        ${PLACES.map((s) =>
          html`
            <rect class="sum" ...${bar(within(MAGNIFIED * now.total[s][1] * HALF), centre(s), bottom + 6, 16)} />
            <path class="tick" d="M${centre(s) + within(MAGNIFIED * gradient[s][1] * HALF)},${bottom + 2}v24" />
            <text x=${centre(s)} y=${bottom + 38} text-anchor="middle">${signed(now.total[s][1], 3)}</text>
          `
        )}
      </svg>
    `;
  }

  const route = (names, { steps }) =>
    steps.map(([s, chosen]) => `${names[s]}: ${chosen ? "climb" : "path"}`).join(", ");

  function Hikes({ data }) {
    const { names, theta: chapter, ridge } = data;
    const [theta, setTheta] = useState(chapter);
    const [weather, setWeather] = useState(ridge);
    const [weight, setWeight] = useState(WHOLE);
    const [news, setNews] = useState("");
    const tau = useMemo(() => inWeather(data, weather), [weather]);
    const now = useMemo(() => exact(theta, tau, WEIGHTS[weight]), [theta, tau, weight]);
    const gradient = useMemo(() => exact(theta, tau).total, [theta, tau]);
    const order = useMemo(() => tau.map((_, i) => i).sort((i, j) => tau[j].return - tau[i].return), []);
    const stepped = climb(theta, now.total, RATE), J = now.objective.toFixed(4);
    const after = exact(stepped, tau).objective.toFixed(4);
    const go = (to, message = "") => {
      setTheta(to);
      setNews(message);
    };

    return html`
      <div class="two">
        <div class="pictured">
          <${Picture} ...${{ names, tau, order, now, gradient }} />
          <p class="legend">
            <span class="key score" /> score <span class="key towards" /> pull: chance × return × score, drawn${" "}
            ${MAGNIFIED} times as large <span class="key against" /> the same where the return is negative
            <span class="key tick" /> ∇J
          </p>
        </div>
        <div>
          ${PLACES.map((s) =>
            html`
              <${Slider} name=${names[s]}
                text="climb with probability ${now.policy[s][1].toFixed(2)}" min=${-REACH} max=${REACH} step="0.1"
                value=${difference(theta[s])} onInput=${(u) => go(setDifference(theta, s, u))} />
            `
          )}
          <${Slider} name="Weather" text="from path to ridge with ${weather.toFixed(2)}"
            min="0.2" max="0.5" step="0.05" value=${weather} onInput=${(w) => {
              setWeather(w);
              setNews("");
            }} />
          <${Choice} name="Each score is multiplied by" value=${weight} among=${Object.keys(WEIGHTS)}
            onChange=${setWeight} />
          <p>J = <strong>${J}</strong>; after a step of ${RATE} along the sum, ${after}.</p>
          <p class="buttons">
            <button type="button" onClick=${() => go(stepped, `One step along the sum: J was ${J} and is ${after}.`)}>
              Step along the sum</button>
            <button type="button" onClick=${() => go(chapter, "The policy is that of this chapter.")}>
              This chapter’s policy</button>
            <button type="button" onClick=${() => go(EVEN, "Even odds in every place.")}>Even odds</button>
          </p>
          <p role="status">${news}</p>
        </div>
      </div>
      <${Numbers}>
        <${Table} caption="The sum of the pulls, on the logit of climbing" columns=${[
          "",
          ...PLACES.map((s) => names[s]),
        ]}
          rows=${[
            ["sum", ...PLACES.map((s) => signed(now.total[s][1], 4))],
            ["∇J", ...PLACES.map((s) => signed(gradient[s][1], 4))],
          ]} />
        <${Table} caption="The twelve hikes: scores and pulls, on the logit of climbing"
          columns=${["hike", "return", "chance", ...PLACES.flatMap((s) => [`score, ${names[s]}`, `pull, ${names[s]}`])]}
          rows=${order.map((i) => [
            route(names, tau[i]),
            signed(tau[i].return),
            now.probabilities[i].toFixed(4),
            ...PLACES.flatMap((s) => [signed(now.scores[i][s][1], 3), signed(now.pulls[i][s][1], 4)]),
          ])} />
        </${Numbers}>
    `;
  }

  show("twelve-hikes", {
    title: "Twelve hikes and their pulls",
    question: "Say the weather changes, and the path now leads to the ridge half of the time. What will move?",
    answers: ["probabilities and scores", "only the probabilities", "only the scores"],
    seen: "The weather moves the probabilities, and with them J and the pulls, but not one of the outlined scores. " +
      "So whoever does not know the weather can still average scores times returns over the hikes that come up, and on " +
      "average that is the sum, ∇J.",
  }, Hikes);
})();
