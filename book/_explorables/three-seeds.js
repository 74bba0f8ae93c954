// Chapter 6: of 64 recorded runs by each of two methods a few are drawn, and a winner is named.
"use strict";

(() => {
  const { html, useMemo, useState } = htmPreact;
  const { show, Choice, Numbers, Table, random, sum } = explorables;

  // The mathematics.

  /** So many runs of each group, drawn with replacement, as indices. */
  const drawn = (groups, seeds, next) =>
    groups.map((scores) => Array.from({ length: seeds }, () => Math.floor(next() * scores.length)));

  /** The mean of the drawn runs of each group. */
  const means = (groups, indices) =>
    groups.map((scores, i) => sum(indices[i].map((k) => scores[k])) / indices[i].length);

  /** Whether the first method, the worse one, has the higher mean. */
  const misled = ([worse, better]) => worse > better;

  explorables.threeSeeds = { drawn, means, misled };

  // The page.

  const WIDTH = 340, LEFT = 14, LANES = [66, 158], MANY = 100;
  const x = (score) => LEFT + score / 500 * (WIDTH - LEFT - 16);
  const spread = (k) => ((k * 37) % 64) / 64 * 40 - 20; // fixed, so that a run keeps its place

  function Runs({ names, groups, now }) {
    const average = now && means(groups, now);
    return html`
      <svg class="runs" viewBox="0 0 ${WIDTH} 224" role="img" aria-label=${now
        ? `Of 64 runs by each method ${now[0].length} are lit; the means are ${
          average.map((m) => m.toFixed(0)).join(" and ")
        }.`
        : "64 runs by each of two methods, as points along their mean return; none is drawn yet."}>
        ${groups.map((scores, i) =>
          html`
            <text x=${LEFT} y=${LANES[i] - 30}>${names[i]}</text>
            ${scores.map((score, k) => html`<circle class="pale" cx=${x(score)} cy=${LANES[i] + spread(k)} r="3" />`)}
            ${now &&
              now[i].map((k) => html`<circle class="lit" cx=${x(scores[k])} cy=${LANES[i] + spread(k)} r="5.5" />`)}
            ${average && html`
              <path class=${average[i] > average[1 - i] ? "winner" : "mark"}
                d="M${x(average[i])},${LANES[i] - 24}v48m-4,0h8m-8,-48h8" />
            `}
          `
        )}
        <line class="axis" x1=${LEFT} x2=${WIDTH} y1="190" y2="190" />
        ${[0, 100, 200, 300, 400, 500].map((score) =>
          html`<text x=${x(score)} y="204" text-anchor="middle">${score}</text>`
        )}
        <text class="muted" x=${WIDTH /
          2} y="220" text-anchor="middle">mean return of a run’s last five iterations</text>
      </svg>
    `;
  }

  function Tally({ counts, tally, expected }) {
    const across = (i) => 58 + i * 62, up = (share) => 190 - share / 0.35 * 175;
    return html`
      <svg class="tally" viewBox="0 0 ${WIDTH} 224" role="img" aria-label="Share of wrong winners so far: ${counts.map((
        seeds,
      ) => `${seeds} seeds, ${tally[seeds] ? `${tally[seeds].wrong} of ${tally[seeds].all}` : "none drawn"}`)
        .join("; ")}.">
        ${[0, 0.1, 0.2, 0.3].map((share) =>
          html`
            <line class="axis" x1="32" x2=${WIDTH} y1=${up(share)} y2=${up(share)} />
            <text x="28" y=${up(share) + 4} text-anchor="end">${100 * share}%</text>
          `
        )}
        ${counts.map((seeds, i) => {
          const share = tally[seeds] && tally[seeds].wrong / tally[seeds].all;
          return html`
            ${share !== undefined && html`
              <rect class="wrong" x=${across(i) - 14} y=${up(Math.min(0.35, share))} width="28"
                height=${190 - up(Math.min(0.35, share))} />
            `}
            ${expected && html`<path class="tick" d="M${across(i) - 20},${up(expected[i])}h40" />`}
            <text x=${across(i)} y="204" text-anchor="middle">${seeds}</text>
          `;
        })}
        <text class="muted" x=${WIDTH / 2} y="220" text-anchor="middle">seeds of each method</text>
        <text class="muted" x="36" y="14">wrong winners</text>
      </svg>
    `;
  }

  function ThreeSeeds({ data: { names, groups, counts, expected }, answered }) {
    const next = useMemo(() => random(1), []);
    const [seeds, setSeeds] = useState(3);
    const [now, setNow] = useState(null);
    const [tally, setTally] = useState({});
    const [news, setNews] = useState("");
    const compare = (times) => {
      let last, wrong = 0;
      for (let i = 0; i < times; i++) {
        last = drawn(groups, seeds, next);
        wrong += misled(means(groups, last));
      }
      const before = tally[seeds] ?? { all: 0, wrong: 0 };
      const sofar = { all: before.all + times, wrong: before.wrong + wrong };
      const average = means(groups, last), lost = misled(average);
      setNow(last);
      setTally({ ...tally, [seeds]: sofar });
      setNews(
        `${names[0]} ${average[0].toFixed(0)}, ${names[1]} ${average[1].toFixed(0)}: ${
          lost ? `${names[0]} wins, which is wrong` : `${names[1]} wins, rightly`
        }. Wrong so far, with ${seeds} ${seeds === 1 ? "seed" : "seeds"}: ${sofar.wrong} of ${sofar.all}.`,
      );
    };
    return html`
      <div class="pictured two">
        <${Runs} ...${{ names, groups, now }} />
        <${Tally} ...${{ counts, tally, expected: answered && expected }} />
      </div>
      <p class="buttons">
        <${Choice} name="Seeds of each method" value=${String(seeds)} among=${counts.map(String)}
          onChange=${(text) => {
            setSeeds(+text);
            setNow(null);
            setNews("");
          }} />
        <button type="button" onClick=${() => compare(1)}>Compare once</button>
        <button type="button" data-pictured onClick=${() => compare(MANY)}>Compare ${MANY} times</button>
      </p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="Wrong winners" columns=${["seeds", "so far", "expected"]} rows=${counts.map((count, i) => [
          String(count),
          tally[count] ? `${tally[count].wrong} of ${tally[count].all}` : "–",
          answered ? `${(100 * expected[i]).toFixed(1)}%` : "after your prediction",
        ])} />
        </${Numbers}>
    `;
  }

  show("three-seeds", {
    title: "Three seeds, and a winner",
    question:
      "Leave-one-out is the better of the two methods. If you compare three runs of each by their means, how often " +
      "will you name the other one?",
    answers: ["once in a hundred", "once in twenty", "once in five"],
    seen:
      "Three runs of each name the wrong winner in one comparison of five, a single run in nearly one of three, and " +
      "even ten in one of fifteen, though the difference is as real as differences between methods come. Every verdict " +
      "looks as sure as the next.",
  }, ThreeSeeds);
})();
