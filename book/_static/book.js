"use strict";

// On paper the solutions stand at the end of the page, not beside their exercises.
{
  let places = [];

  addEventListener("beforeprint", () => {
    const solutions = document.querySelectorAll("article .solution");
    if (!solutions.length) return;
    const section = document.createElement("section");
    section.innerHTML = "<h2>Solutions</h2>";
    places = Array.from(solutions, (solution) => {
      const place = document.createComment("solution");
      solution.replaceWith(place);
      section.append(solution);
      return { place, solution };
    });
    document.querySelector("article").append(section);
  });

  addEventListener("afterprint", () => {
    if (!places.length) return;
    const section = places[0].solution.parentElement;
    places.forEach(({ place, solution }) => place.replaceWith(solution));
    section.remove();
    places = [];
  });
}

// What the search shows of a page is its text, without its buttons and contents.
addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  const htmlToText = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    page.querySelectorAll(".bd-header-article, #jb-print-docs-body, footer").forEach(
      (part) => part.remove(),
    );
    return htmlToText(page.documentElement.outerHTML, anchor);
  };
});

// On a phone a formula that is too wide is set smaller, down to nine tenths; what is wider still scrolls.
{
  const phone = matchMedia("(max-width: 576px)");
  const fit = () => {
    document.querySelectorAll("div.math mjx-container").forEach((math) => {
      math.dataset.size ??= math.style.fontSize; // MathJax's own
      math.style.fontSize = math.dataset.size;
      const room = math.clientWidth / math.scrollWidth;
      if (!phone.matches || room >= 1) return;
      const percent = Math.max(90, Math.floor(108 * room));
      math.style.setProperty("font-size", `${percent}%`, "important");
    });
  };

  addEventListener("load", () => globalThis.MathJax?.startup?.promise.then(fit));
  addEventListener("resize", fit);
}
