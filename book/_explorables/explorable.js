// What the live figures share: how one takes the place of its picture, its controls, and its random numbers.
"use strict";

(() => {
  const { html, render, useState } = htmPreact;

  /** Question, view, and the sentence that says what was to be seen: so every figure is built. */
  function Frame({ question, answers, seen, View, data, options }) {
    const [answer, setAnswer] = useState(null);
    return html`
      <div class="predict">
        <p class="question"><strong>Predict first.</strong> ${question}</p>
        <p class="buttons">
        ${answers.map((text) =>
          html`<${Toggle} on=${answer === text} onClick=${() => setAnswer(text)}>${text}</${Toggle}>`
        )}
        </p>
      </div>
      <${View} ...${{ data, options, answered: answer !== null }} />
      <details>
        <summary>What was to be seen</summary>
        <p>${answer && `You predicted: ${answer}. `}${seen}</p>
      </details>
    `;
  }

  /** A slider; `text` is its value in words, shown beside its name and read by a screen reader. */
  const Slider = ({ name, text, onInput, ...range }) =>
    html`<label class="slider"><span>${name}<span aria-hidden="true">: <b>${text}</b></span></span>
      <input type="range" ...${range} aria-valuetext=${text} onInput=${(event) =>
      onInput(+event.target.value)} /></label>`;

  /** A choice among texts; `onChange` receives the text. */
  const Choice = ({ name, value, among, onChange }) =>
    html`<label class="choice"><span>${name}</span> <select value=${value} onChange=${(event) =>
      onChange(event.target.value)}>
      ${among.map((text) => html`<option value=${text}>${text}</option>`)}</select></label>`;

  /** A button that stays pressed. */
  const Toggle = ({ on, onClick, children }) =>
    html`<button type="button" aria-pressed=${on ? "true" : "false"} onClick=${onClick}>${children}</button>`;

  /** A table; `rows` are lists of texts, of which the first names the row. */
  const Table = ({ caption, columns, rows }) =>
    html`
      <div class="scrolling" tabindex="0" role="region" aria-label=${caption}>
        <table class="table">
          <caption>${caption}</caption>
          <thead>
            <tr>${columns.map((text) => html`<th scope="col">${text}</th>`)}</tr>
          </thead>
          <tbody>${rows.map(([head, ...cells]) =>
            html`<tr><th scope="row">${head}</th>${cells.map((text) => html`<td>${text}</td>`)}</tr>`
          )}
            </tbody>
        </table>
      </div>
    `;

  /** The numbers behind the picture, folded; the children are tables. */
  const Numbers = ({ children }) =>
    html`
      <details>
        <summary>The numbers</summary>
        <div>${children}</div>
      </details>
    `;

  /**
   * Put a live figure in the place of every picture NAME.png of the page; in print the picture comes back.
   *
   * `about` has the `title` that names it to a screen reader, the `question` to predict, its `answers`, and the sentence
   * `seen`; or it is a function of `options`, the further classes of the picture, that returns them. `View` receives
   * `data`, from explorables_data.py, `options`, and whether the question is `answered`.
   */
  function show(name, about, View) {
    const stored = document.getElementById(`${name}-data`);
    for (const picture of document.querySelectorAll(`img.explorable[src*="/${name}."]`)) {
      const options = [...picture.classList].filter((option) => option !== "explorable");
      const { title, ...frame } = typeof about === "function" ? about(options) : about;
      const live = Object.assign(document.createElement("div"), { className: "explorable" });
      live.dataset.name = name;
      live.setAttribute("role", "group");
      live.setAttribute("aria-label", title);
      const data = stored && JSON.parse(stored.textContent);
      render(html`<${Frame} ...${{ ...frame, View, data, options }} />`, live);
      const place = picture.closest("a") ?? picture;
      place.before(live);
      place.classList.add("in-print");
    }
  }

  /** Return a function that draws numbers from [0, 1), the same for the same seed (Mulberry32). */
  function random(seed) {
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);

  /** exp(x) / Σ exp(x), as `pg.softmax_policy`. */
  function softmax(logits) {
    const top = Math.max(...logits);
    const powers = logits.map((x) => Math.exp(x - top));
    const total = sum(powers);
    return powers.map((x) => x / total);
  }

  /** An index, drawn with the given probabilities. */
  function draw(probabilities, next) {
    const point = next();
    let below = 0;
    const found = probabilities.findIndex((p) => (below += p) > point);
    return found < 0 ? probabilities.length - 1 : found;
  }

  /** A number with its sign, as text. */
  const signed = (x, digits = 2) => {
    const text = Math.abs(x).toFixed(digits);
    return (+text === 0 ? "" : x < 0 ? "−" : "+") + text;
  };

  /** A number with a true minus where it is negative, as text. */
  const plain = (x, digits) => (digits === undefined ? String(x) : x.toFixed(digits)).replace("-", "−");

  /** Whether the reader has asked for less motion. */
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  globalThis.explorables = {
    show,
    Slider,
    Choice,
    Toggle,
    Table,
    Numbers,
    random,
    sum,
    softmax,
    draw,
    signed,
    plain,
    still,
  };
})();
