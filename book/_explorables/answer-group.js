// Chapter 11: the weights that the answers of a group get, by the name of the method.
"use strict";

(() => {
  const { html, useMemo, useState } = htmPreact;
  const { show, Slider, Choice, Toggle, Numbers, Table, plain, random, draw, sum } = explorables;

  // The mathematics. A group has `rewards` and `lengths`, one of each for each answer.

  const mean = (numbers) => sum(numbers) / numbers.length;

  /** Each reward minus the mean of the group's; exactly 0 where all are alike. */
  function centred(rewards) {
    const away = rewards.map((r) => r - rewards[0]); // changes nothing, and makes equal rewards exactly 0
    return away.map((r) => r - mean(away));
  }

  /** `centred`, divided by the deviation; 0 where there is none. */
  function standardised(rewards) {
    const weights = centred(rewards), deviation = Math.sqrt(mean(weights.map((w) => w * w)));
    return deviation ? weights.map((w) => w / deviation) : weights;
  }

  /** For each method what multiplies the score of every token of each answer. */
  const METHODS = {
    "REINFORCE": (rewards) => rewards,
    "RLOO": (rewards) => rewards.map((r) => r - (sum(rewards) - r) / (rewards.length - 1)),
    "Dr. GRPO": centred,
    "÷ deviation": standardised,
    "GRPO": (rewards, lengths) => standardised(rewards).map((w, i) => w / lengths[i]),
    "DAPO": (rewards, lengths) => standardised(rewards).map((w) => w / mean(lengths)),
  };

  /** The share of groups whose answers are all right or all wrong. */
  const silent = (p, size) => p ** size + (1 - p) ** size;

  explorables.answerGroup = { METHODS, silent };

  // The page.

  const PAYS = { "1 and 0": [0, 1], "2 and 1": [1, 2], "0 and −1": [-1, 0] };
  const [COMMON] = Object.keys(PAYS);
  const MANY = 100, WIDTH = 150, ROW = 22, TOP = 28, MIDDLE = 88, HALF = 44;
  const two = (x) => plain(+x.toFixed(2) || 0, 2);

  function Panel({ name, group, weights, top }) {
    const bottom = TOP + group.length * ROW;
    return html`
      <svg class="weights" viewBox="0 0 ${WIDTH} ${bottom + 4}" role="img"
        aria-label="Weights by ${name}: ${group.map(({ text }, i) => `${text} ${two(weights[i])}`).join("; ")}.">
        <text class="title" x=${MIDDLE} y="14" text-anchor="middle">${name}</text>
        <line class="axis" x1=${MIDDLE} x2=${MIDDLE} y1="20" y2=${bottom} />
        ${group.map(({ text, right }, i) => {
          const y = TOP + i * ROW, width = Math.abs(weights[i]) / top * HALF, negative = weights[i] < 0;
          return html`
            <text x="0" y=${y + 12}>${right ? "✓" : ""}</text>
            <text x="12" y=${y + 12}>${text}</text>
            <rect class=${negative ? "against" : "towards"} x=${negative ? MIDDLE - width : MIDDLE} y=${y + 2}
              width=${width} height="13" />
            <text class="number" x=${negative ? MIDDLE + 4 : MIDDLE - 4} y=${y + 13}
              text-anchor=${negative ? "start" : "end"}>${two(weights[i])}</text>
          `;
        })}
      </svg>
    `;
  }

  function Group({ data: { answers, first }, answered }) {
    const next = useMemo(() => random(1), []);
    const p = sum(answers.map(({ chance, right }) => right ? chance : 0));
    const written = (size) =>
      Array.from({ length: size }, () => answers[draw(answers.map(({ chance }) => chance), next)]);
    const [group, setGroup] = useState(first.map((i) => answers[i]));
    const [pay, setPay] = useState(COMMON);
    const [tally, setTally] = useState({ all: 0, silent: 0 });
    const [news, setNews] = useState("");
    const rewards = group.map(({ right }) => PAYS[pay][+right]);
    const lengths = group.map(({ length }) => length);
    const table = Object.entries(METHODS).map(([name, weigh]) => ({ name, weights: weigh(rewards, lengths) }));
    const top = Math.max(1, ...table.flatMap(({ weights }) => weights.map(Math.abs)));
    const isSilent = (members) => members.every(({ right }) => right === members[0].right);

    const write = (times) => {
      let last, quiet = 0;
      for (let i = 0; i < times; i++) {
        last = written(group.length);
        quiet += isSilent(last);
      }
      const sofar = { all: tally.all + times, silent: tally.silent + quiet };
      setGroup(last);
      setTally(sofar);
      const count = last.filter(({ right }) => right).length;
      setNews(
        `${count} of ${last.length} right${
          isSilent(last) ? ", a silent group" : ""
        }. Silent so far: ${sofar.silent} of ${sofar.all} groups.`,
      );
    };
    const overrule = (i) => {
      setGroup(group.map((answer, j) => j === i ? { ...answer, right: !answer.right } : answer));
      setNews("");
    };
    const resize = (size) => {
      setGroup(written(size));
      setTally({ all: 0, silent: 0 });
      setNews("");
    };

    return html`
      <div class="pictured">
        <div class="panels">
          ${table.map(({ name, weights }) => html`<${Panel} ...${{ name, group, weights, top }} />`)}
        </div>
        <p class="legend">The weight of every token of an answer; ✓ is a right one <span class="key towards" /> more of it
          <span class="key against" /> less of it</p>
      </div>
      <p>What the checker says of each; press to overrule it:</p>
      <p class="buttons">${group.map(({ text, right }, i) =>
        html`<${Toggle} on=${right} onClick=${() => overrule(i)}>${text} ${right ? "right" : "wrong"}</${Toggle}>`
      )}</p>
      <div class="two">
        <${Slider} name="answers in a group, G" text=${String(group.length)} min="2" max="8" step="1"
          value=${group.length} onInput=${resize} />
        <${Choice} name="A right and a wrong answer earn" value=${pay} among=${Object.keys(PAYS)} onChange=${(name) => {
          setPay(name);
          setNews("");
        }} />
      </div>
      <p class="buttons">
        <button type="button" onClick=${() => write(1)}>Write a group</button>
        <button type="button" onClick=${() => write(MANY)}>Write ${MANY} groups</button>
      </p>
      <p role="status">${news}</p>
      <${Numbers}>
        <${Table} caption="The weight of every token" columns=${["answer", "reward", "tokens", ...Object.keys(METHODS)]}
          rows=${group.map(({ text, length }, i) => [
            text,
            plain(rewards[i]),
            String(length),
            ...table.map(({ weights }) => two(weights[i])),
          ])} />
        <${Table} caption="Silent groups" columns=${["answers", "so far", "expected"]} rows=${[[
          String(group.length),
          tally.all ? `${tally.silent} of ${tally.all}` : "–",
          answered ? `${(100 * silent(p, group.length)).toFixed(1)}%` : "after your prediction",
        ]]} />
        </${Numbers}>
    `;
  }

  show("answer-group", {
    title: "A group of answers and its weights",
    question:
      "The model is right with probability 0.18 and writes four answers. How often are their four rewards alike, so " +
      "that whoever subtracts the mean learns nothing?",
    answers: ["in about one of ten", "in about one of four", "in nearly half"],
    seen:
      "In nearly half, 46%, and then all four are wrong. Such a group is silent. Where one of four is right, RLOO gives it 1 and " +
      "the others −⅓, Dr. GRPO three quarters of that; divided by the deviation the lone right answer gets 1.73; and " +
      "GRPO’s division by the length blames a long wrong answer less, token by token, than a short one. Pay 2 and 1, and " +
      "only REINFORCE changes: it now praises wrong answers.",
  }, Group);
})();
