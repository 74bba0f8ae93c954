// Chapter 7: what λ does to the advantages of one episode, and, exactly, to the bias and variance of the gradient's estimate.
"use strict";

(() => {
  const { html, useMemo, useState } = htmPreact;
  const { show, Slider, Choice, Numbers, Table, plain, signed, sum } = explorables;

  // The mathematics.

  /** The advantages of an episode, Σ_k (γλ)^k δ_{t+k}; `values` has one more entry, for what comes after the last step. */
  function advantages(rewards, values, gamma, lam) {
    const found = [];
    for (let t = rewards.length - 1, later = 0; t >= 0; t--) {
      later = rewards[t] + gamma * values[t + 1] - values[t] + gamma * lam * later;
      found[t] = later;
    }
    return found;
  }

  const square = (numbers) => sum(numbers.map((x) => x * x));

  /**
   * Exact bias and variance of the estimate from a single hike whose weights come from λ, γ′ and a table of values. Of
   * each place the logit of climbing is counted, and twice, as that of the path has the opposite numbers.
   */
  function moments({ tau, policy, gradient, gamma }, values, other, lam) {
    const terms = tau.map(({ states, actions, rewards }) => {
      const term = policy.map(() => 0);
      const weights = advantages(rewards, states.map((s) => values[s]), other, lam);
      actions.forEach((action, t) => term[states[t]] += gamma ** t * weights[t] * (action - policy[states[t]]));
      return term;
    });
    const mean = policy.map((_, s) => sum(tau.map(({ chance }, i) => chance * terms[i][s])));
    const bias = mean.map((x, s) => x - gradient[s]);
    const variance = sum(tau.map(({ chance }, i) => chance * square(terms[i].map((x, s) => x - mean[s]))));
    const cosine = sum(mean.map((x, s) => x * gradient[s])) / Math.sqrt(square(mean) * square(gradient));
    return { bias2: 2 * square(bias), variance: 2 * variance, cosine };
  }

  /** Three critics, as functions of good values, of which the last is that of the end. */
  const CRITICS = {
    "right in every state": (values) => values,
    "says 0 of every state": (values) => values.map(() => 0),
    "1 too high in every state": (values) => values.map((value, s) => s < values.length - 1 ? value + 1 : 0),
  };

  explorables.lambdaDial = { advantages, moments, CRITICS };

  // The page.

  const WIDTH = 340, LEFT = 36, TOP = 20, FLOOR = 190, EPISODES = [1, 16, 256, 4096];
  const GRID = Array.from({ length: 101 }, (_, i) => i / 100);
  const [, ZERO] = Object.keys(CRITICS);

  /** A round number, of which two or three fill the axis up to `top`. */
  function round(top) {
    const power = 10 ** Math.floor(Math.log10(top / 2));
    return power * [5, 2, 1].find((digit) => digit * power <= top / 2);
  }
  const ticks = (top) =>
    Array.from({ length: Math.floor(top / round(top)) + 1 }, (_, i) => +(i * round(top)).toPrecision(2));

  function Episode({ rewards, values, gamma, lam }) {
    const now = advantages(rewards, values, gamma, lam);
    const ends = [0, ...[0, 1].flatMap((end) => advantages(rewards, values, gamma, end))];
    const low = Math.min(...ends), high = Math.max(...ends), grid = round(high - low);
    const up = (value) => TOP + (high - value) / (high - low) * (FLOOR - TOP), wide = (WIDTH - LEFT) / rewards.length;
    const lines = Array.from({ length: 9 }, (_, i) => (i - 4) * grid).filter((value) => value >= low && value <= high);
    const early = now.slice(0, rewards.length / 2);
    return html`
      <svg class="advantages" viewBox="0 0 ${WIDTH} 224" role="img"
        aria-label="The advantages of the ${rewards.length} steps of an episode of CartPole, at λ = ${lam.toFixed(
          2,
        )}: the last is ${signed(now.at(-1))}, those of the first half lie between ${signed(
          Math.min(...early),
        )} and ${signed(Math.max(...early))}.">
        ${lines.map((value) =>
          html`
            <line class="axis" x1=${LEFT} x2=${WIDTH} y1=${up(value)} y2=${up(value)} />
            <text x=${LEFT - 5} y=${up(value) + 4} text-anchor="end">${plain(+value.toPrecision(2))}</text>
          `
        )}
        ${now.map((value, t) =>
          html`
            <rect class=${value < 0 ? "against" : "towards"} x=${LEFT + t * wide + 0.5} width=${wide - 1}
              y=${Math.min(up(0), up(value))} height=${Math.abs(up(value) - up(0))} />
          `
        )}
        ${[0, 20, 40, 60].map((t) =>
          html`<text x=${LEFT + (t + 0.5) * wide} y=${FLOOR + 15} text-anchor="middle">${t}</text>`
        )}
        <text class="muted" x=${(LEFT + WIDTH) / 2} y="220" text-anchor="middle">step of an episode of CartPole</text>
        <text class="muted over-bars" x=${LEFT + 6} y="12">advantage</text>
      </svg>
    `;
  }

  function Errors({ curve, lam, episodes, now, answered }) {
    const top = 2.5 * curve.at(-1).variance / episodes; // λ = 1 stands at two fifths of the height
    const x = (at) => LEFT + at * (WIDTH - LEFT - 8), y = (error) => FLOOR - error / top * (FLOOR - TOP);
    const line = (of) => curve.map((at, i) => `${x(GRID[i]).toFixed(1)},${y(of(at)).toFixed(1)}`).join(" ");
    const noise = ({ variance }) => variance / episodes, whole = (at) => at.bias2 + noise(at);
    const seen = (error) => y(Math.min(top, error));
    return html`
      <svg class="dial" viewBox="0 0 ${WIDTH} 224" role="img"
        aria-label="Squared error of the estimate from ${episodes} hikes over λ; at ${lam.toFixed(
          2,
        )} it is ${+whole(now).toFixed(5)}, of which bias squared is ${+now.bias2.toFixed(5)}.">
        <clipPath id="dial-frame"><rect x=${LEFT} y="0" width=${WIDTH} height=${FLOOR + 1} /></clipPath>
        ${ticks(top).map((error) =>
          html`
            <line class="axis" x1=${LEFT} x2=${WIDTH} y1=${y(error)} y2=${y(error)} />
            <text x=${LEFT - 5} y=${y(error) + 4} text-anchor="end">${error}</text>
          `
        )}
        <text class="muted" x=${LEFT + 6} y="12">squared error</text>
        ${answered && html`
          <g clip-path="url(#dial-frame)">
            <polyline class="variance" points=${line(noise)} />
            <polyline class="bias" points=${line(({ bias2 }) => bias2)} />
            <polyline class="both" points=${line(whole)} />
          </g>
        `}
        <line class="plumb" x1=${x(lam)} x2=${x(lam)} y1=${seen(whole(now))} y2=${FLOOR} />
        <circle class="here" cx=${x(lam)} cy=${seen(whole(now))} r="7" />
        ${[0, 0.5, 1].map((at) => html`<text x=${x(at)} y=${FLOOR + 15} text-anchor="middle">${at}</text>`)}
        <text class="muted" x=${(LEFT + WIDTH) / 2} y="220" text-anchor="middle">λ</text>
      </svg>
    `;
  }

  function Dial({ data: { gammas, episode, hike }, answered }) {
    const [lam, setLam] = useState(1);
    const [k, setK] = useState(gammas.indexOf(hike.gamma));
    const [critic, setCritic] = useState(ZERO);
    const [episodes, setEpisodes] = useState(16);
    const [news, setNews] = useState("");
    const gamma = gammas[k], judge = CRITICS[critic];
    const rewards = useMemo(() => episode[0].slice(1).map(() => 1), []);
    const of = (lambda) => moments(hike, judge(hike.values[k]), gamma, lambda);
    const curve = useMemo(() => GRID.map(of), [k, critic]);
    const now = of(lam), length = Math.sqrt(2 * square(hike.gradient));
    const error = ({ bias2, variance }) => Math.sqrt(bias2 + variance / episodes);
    const quietly = (set) => (value) => {
      set(value);
      setNews("");
    };
    const words = (at) =>
      `bias ${(Math.sqrt(at.bias2) / length).toFixed(2)} times the length of ∇J, variance ${
        at.variance.toFixed(3)
      }; from ${episodes} ${episodes === 1 ? "hike" : "hikes"}, error ${error(at).toFixed(3)}`;
    const best = () => {
      const i = curve.reduce((least, at, j) => error(at) < error(curve[least]) ? j : least, 0);
      setLam(GRID[i]);
      setNews(`The best λ is ${GRID[i].toFixed(2)}, with an error of ${error(curve[i]).toFixed(3)}.`);
    };

    return html`
      <div class="pictured two">
        <${Episode} ...${{ rewards, values: judge(episode[k]), gamma, lam }} />
        <div>
          <${Errors} ...${{ curve, lam, episodes, now, answered }} />
          <p class="legend"><span class="key both" /> sum <span class="key variance" /> variance ÷ N
            <span class="key bias" /> bias²</p>
        </div>
      </div>
      <div class="two">
        <${Slider} name="how long to wait, λ" text=${lam.toFixed(2)} min="0" max="1" step="0.01" value=${lam}
          onInput=${quietly(
            setLam,
          )} />
        <${Slider} name="discount of the weights, γ′" text=${`${gamma}${
          gamma === hike.gamma ? ", that of the objective" : ""
        }`}
          min="0" max=${gammas.length - 1} step="1" value=${k} onInput=${quietly(setK)} />
      </div>
      <p class="buttons">
        <${Choice} name="The critic" value=${critic} among=${Object.keys(CRITICS)} onChange=${quietly(setCritic)} />
        <${Choice} name="Hikes, N" value=${String(episodes)} among=${EPISODES.map(String)}
          onChange=${(text) => quietly(setEpisodes)(+text)} />
        ${answered &&
          html`<button type="button" data-pictured onClick=${best}>Go to the best λ</button>`}
      </p>
      <p>On the hike: ${words(now)}.</p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="The estimate from one hike, by this critic and γ′"
          columns=${["λ", "bias ÷ ∇J", "cosine", "variance", `error, N = ${episodes}`]}
          rows=${[0, 0.5, 0.9, 0.95, 1].map((lambda) => [lambda, of(lambda)]).map(([lambda, at]) => [
            String(lambda),
            (Math.sqrt(at.bias2) / length).toFixed(2),
            plain(at.cosine, 2),
            at.variance.toFixed(3),
            error(at).toFixed(3),
          ])} />
        </${Numbers}>
    `;
  }

  show("lambda-dial", {
    title: "The dial between bias and variance",
    question: "A critic says 0 of every state, and there are sixteen hikes. At which λ is the error of the estimate " +
      "smallest?",
    answers: ["at 0", "somewhere between", "at 1, where nothing is biased"],
    seen:
      "Somewhere between, at λ = 0.57, though the bias there is longer than ∇J itself: sixteen hikes are few, and the " +
      "noise of waiting is worse. With 256 hikes it is 0.93, and with a critic that is right 0. On the left, where the " +
      "critic is right, a small λ judges every push by itself; a large one adds the luck of all that came after.",
  }, Dial);
})();
