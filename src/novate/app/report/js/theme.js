"use strict";
/* The page's colours, read from its style sheet, so that charts follow the theme. */

/* Only the empty string may become markup, here and inside the chart library. */
if (window.trustedTypes && window.trustedTypes.createPolicy) {
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => {
      if (text !== "") throw new TypeError("text becomes markup nowhere in this page");
      return text;
    },
  });
}

const TONES = ["blue", "orange", "green", "purple", "red", "cyan", "brown", "grey", "ink", "soft",
  "rule", "faint", "paper", "raised"];

/* light-dark() resolves only in a real property, hence the probe element. */
function readPalette() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const palette = {};
  for (const tone of TONES) {
    probe.style.color = `var(--${tone})`;
    palette[tone] = getComputedStyle(probe).color;
  }
  probe.remove();
  return palette;
}

function withAlpha(colour, alpha) {
  const parts = colour.match(/[\d.]+/g).slice(0, 3);
  return `rgba(${parts.join(",")},${alpha})`;
}

/* auto follows the system; a click goes on to the opposite, then back to auto. */
function installThemeButton(redraw) {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const order = ["auto", "light", "dark"];
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(root.dataset.theme || "auto") + 1) % order.length];
    if (next === "auto") delete root.dataset.theme;
    else root.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
    redraw();
  });
  system.addEventListener("change", redraw);
  window.matchMedia("print").addEventListener("change", redraw);
}
