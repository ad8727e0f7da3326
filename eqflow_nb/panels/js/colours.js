// Colours that read on light and dark pages, and for colour-blind readers.

const LOOKS = {
  light: {
    paper: "#fdfcf9", ink: "#23272e", faint: "#666a70", line: "#c9c6bf", key: "#0067a8",
    density: [40, 96, 160], lightness: 0.6,
  },
  dark: {
    paper: "#13161b", ink: "#eceae6", faint: "#a3a8b0", line: "#3c424b", key: "#7cc0f5",
    density: [120, 170, 235], lightness: 0.73,
  },
};
export const TINTS = 36;

/** Whether the page around an element is dark: by its own theme if it has one, else the system's. */
export function isDark(element) {
  const marks = [document.body, document.documentElement];
  const said = (name) => marks.map((mark) => mark?.getAttribute(name)).find(Boolean);
  const theme = said("data-theme") ?? said("theme");
  if (theme === "dark" || theme === "light") return theme === "dark";
  const jupyter = said("data-jp-theme-light");
  if (jupyter) return jupyter === "false";
  if (document.body.className.includes("vscode-")) {
    return /vscode-(dark|high-contrast(?!-light))/.test(document.body.className);
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** The colours of a theme: words for the page's parts, and `tints` for points, around a circle. */
export function look(dark) {
  const chosen = LOOKS[dark ? "dark" : "light"];
  const tints = Array.from({ length: TINTS }, (_, i) => tint((i + 0.5) / TINTS, chosen.lightness));
  return { dark, ...chosen, tints };
}

/**
 * A colour around the circle, turn in [0, 1).  Blue and yellow lie across one axis; across the
 * other, red and green differ in lightness as well, so that no two sides look alike to anybody.
 */
function tint(turn, lightness) {
  const [cos, sin] = [Math.cos(2 * Math.PI * turn), Math.sin(2 * Math.PI * turn)];
  return `oklab(${lightness + 0.1 * sin} ${-0.13 * sin} ${0.14 * cos})`;
}

/** For points x (2n) the tint of each by its direction from (cx, cy), a number below TINTS. */
export function tintsByAngle(x, cx, cy, out) {
  for (let i = 0; i < out.length; i++) {
    const turn = Math.atan2(x[2 * i + 1] - cy, x[2 * i] - cx) / (2 * Math.PI) + 1;
    out[i] = Math.floor(turn * TINTS) % TINTS;
  }
  return out;
}

/** The members of each tint, from the tint of each point. */
export function grouped(tints, chosen = () => true) {
  const groups = Array.from({ length: TINTS }, () => []);
  tints.forEach((tint, i) => chosen(i) && groups[tint].push(i));
  return groups;
}
