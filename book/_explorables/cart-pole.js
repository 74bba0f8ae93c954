// Chapter 3: the reader and a trained policy each balance a pole.
"use strict";

(() => {
  const { html, useEffect, useMemo, useRef, useState } = htmPreact;
  const { show, Slider, Choice, plain, random, softmax, sum, still } = explorables;
  const { step, fallen, start, Cart } = explorables.cart;

  /** π(· | state) of a network with tanh units between its layers. */
  const actionProbabilities = (layers, state) =>
    softmax(layers.reduce((inputs, { weight, bias }, layer) => {
      const x = layer ? inputs.map(Math.tanh) : inputs;
      return bias.map((b, j) => b + sum(x.map((value, i) => value * weight[i][j])));
    }, state));

  /** A player after an action; whoever has ended stays as it is. */
  function after(player, action, env) {
    if (player.ended) return player;
    const state = step(player.state, action, env), steps = player.steps + 1;
    return { state, steps, action, ended: fallen(state, env) || steps === env.max_steps };
  }

  explorables.cartPole = { actionProbabilities, after };

  // The page.

  const PACES = { "one step a push": 0, "quarter speed": 0.25, "half speed": 0.5, "real time": 1 };
  const SCALE = 60, WIDTH = 340, HEIGHT = 128, GROUND = 112;

  /** Where a player's cart is, and how its pole leans, for those who do not see it. */
  function inWords(title, { state: [x, , angle] }) {
    const degrees = (angle * 180) / Math.PI, side = degrees < 0 ? "to the left" : "to the right";
    return `${title}: the cart is at ${plain(x, 2)}, the pole leans ${Math.abs(degrees).toFixed(1)} degrees ${side}.`;
  }

  function Lane({ title, player, env, chance, onPointerDown }) {
    const { state: [x, , angle], steps, action, ended } = player;
    const px = WIDTH / 2 + x * SCALE;
    const outcome = ended ? (steps < env.max_steps ? ", fallen" : ", all of them") : "";
    return html`
      <div>
        <svg class="lane ${ended ? "over" : ""}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
          onPointerDown=${onPointerDown}
          aria-label=${inWords(title, player)}>
          <${Cart} ...${{ x, angle, middle: WIDTH / 2, y: GROUND, scale: SCALE, pole: 68, env }} />
          ${action !== null && html`
            <line class="force" x1=${px + (action ? 20 : -20)} x2=${px + (action ? 40 : -40)}
              y1=${GROUND - 8} y2=${GROUND - 8} />
          `}
        </svg>
        <p>${title}: <strong>${steps}</strong> ${steps === 1 ? "step" : "steps"}${outcome}${chance === undefined
          ? ""
          : html`. It would push right with probability ${chance.toFixed(2)}.`}</p>
      </div>
    `;
  }

  function CartPole({ data: env }) {
    const next = useMemo(() => random(3), []);
    const fresh = () => {
      const player = { state: start(next), steps: 0, action: null, ended: false };
      return { you: player, policy: player };
    };
    const [world, setWorld] = useState(fresh);
    const [which, setWhich] = useState(env.policies.length - 1);
    const [pace, setPace] = useState(still() ? "one step a push" : "quarter speed");
    const [running, setRunning] = useState(false);
    const [best, setBest] = useState(0);
    const [said, setSaid] = useState("");
    const pushing = useRef(1);
    const { updates, layers, return: value } = env.policies[which];
    const over = world.you.ended && world.policy.ended;

    const tick = () =>
      setWorld(({ you, policy }) => ({
        you: after(you, pushing.current, env),
        policy: after(policy, next() < actionProbabilities(layers, policy.state)[1] ? 1 : 0, env),
      }));
    const push = (action) => {
      pushing.current = action;
      setSaid("");
      if (over) return;
      if (PACES[pace] === 0) tick();
      else setRunning(true);
    };
    const again = (told = "") => {
      setRunning(false);
      setWorld(fresh());
      setSaid(told);
    };
    const pause = () => {
      setRunning(false);
      setSaid("Paused; a push goes on.");
    };

    useEffect(() => {
      if (!running || over || PACES[pace] === 0) return;
      const timer = setInterval(tick, (1000 * env.tau) / PACES[pace]);
      return () => clearInterval(timer);
    }, [running, over, pace, which]);
    useEffect(() => {
      if (world.you.ended) setBest(Math.max(best, world.you.steps));
    }, [world.you.ended]);

    const keys = (event) => {
      const action = { ArrowLeft: 0, ArrowRight: 1 }[event.key];
      if (action === undefined || event.target.matches("input, select")) return;
      event.preventDefault();
      push(action);
    };
    const sideOf = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      push(event.clientX < box.left + box.width / 2 ? 0 : 1);
    };
    const news = over
      ? `Over. You: ${world.you.steps} steps; your best so far: ${
        Math.max(best, world.you.steps)
      }. The policy after ${updates} updates: ${world.policy.steps} steps.`
      : !PACES[pace] && world.you.steps
      ? `${world.you.steps} ${world.you.steps === 1 ? "step" : "steps"}. ${
        world.you.ended ? "You are down, the policy goes on." : inWords("You", world.you)
      }`
      : said;

    return html`
      <div onKeyDown=${keys}>
        <div class="pictured two">
          <${Lane} title="You" player=${world.you} env=${env} onPointerDown=${sideOf} />
          <${Lane} title="The policy" player=${world.policy} env=${env}
            chance=${actionProbabilities(layers, world.policy.state)[1]} />
        </div>
        <p class="buttons">
          <button type="button" onClick=${() => push(0)}>← Push left</button>
          <button type="button" onClick=${() => push(1)}>Push right →</button>
          ${PACES[pace] > 0 && html`<button type="button" onClick=${pause}>Pause</button>`}
          <button type="button" onClick=${() => again("A new start.")}>New start</button>
        </p>
        <div class="two">
          <${Choice} name="Pace" value=${pace} among=${Object.keys(PACES)} onChange=${(name) => {
            setPace(name);
            if (!PACES[name]) setRunning(false);
            setSaid("");
          }} />
          <${Slider} name="updates of the policy" text="${updates}, with a mean return of ${value}" min="0"
            max=${env.policies.length - 1} step="1" value=${which} onInput=${(i) => {
              setWhich(i);
              again();
            }} />
        </div>
        <p role="status">${news}</p>
      </div>
    `;
  }

  show("cart-pole", {
    title: "CartPole, to be played",
    question: "At a quarter of real time, will you keep your pole up longer than a policy of 60 updates? And of 10?",
    answers: ["longer than both", "longer than the younger one", "longer than neither"],
    seen:
      "The policy sees four numbers and tosses a biased coin at every step. After ten updates it lasts 36 steps on " +
      "average, hardly more than the 24 of its beginning; after sixty, 335. It was told nothing but the returns of " +
      "sixteen episodes an update.",
  }, CartPole);
})();
