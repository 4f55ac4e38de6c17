// Draws the page's figures in the colours of the page, again whenever light turns to dark, and opens what is linked to.
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const settings = { displayModeBar: false, responsive: true, doubleClick: "reset" };
const dragmode = window.matchMedia("(pointer: fine)").matches ? "zoom" : false; // a finger scrolls

function painted(value, key, colours) {
  if (Array.isArray(value)) return value.map((one) => painted(one, key, colours));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, painted(one, name, colours)]));
  }
  const variable = typeof value === "string" && /color/.test(key) && /^var\((--[a-z0-9-]+)\)$/.exec(value);
  return variable ? colours.getPropertyValue(variable[1]).trim() : value;
}

function draw() {
  const colours = getComputedStyle(document.documentElement);
  for (const place of document.querySelectorAll("[data-figure]")) {
    const { data, layout } = painted(figures[place.dataset.figure], "", colours);
    Plotly.react(place, data, { ...layout, dragmode }, settings);
  }
}

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}

draw();
dark.addEventListener("change", draw);
window.addEventListener("hashchange", openTarget);
openTarget();
