// Points with trails in space: turned by drag, finger or arrow keys.

import { PointCanvas } from "./canvas.js";
import { grouped } from "./colours.js";

const NEARER = 0.16; // how much larger what lies near is drawn: a gentle perspective
const EXTENT = 3.6; // of what is seen, from the middle
const BANDS = 3; // of depth, drawn from the farthest to the nearest
const DRAG = 3; // radians for a drag across the picture
const PRESS = 0.1; // radians for an arrow key

/** Where the reader looks from: two angles in radians, shared by the views of a panel. */
export class Camera {
  constructor(azimuth = -1.25, elevation = 0.3) {
    Object.assign(this, { azimuth, elevation });
  }

  turn(around, up) {
    this.azimuth -= around;
    this.elevation = Math.max(-1.5, Math.min(1.5, this.elevation + up));
  }

  /** Rows of a rotation (9): to the right, upwards, and towards the reader. */
  rows() {
    const [c, s] = [Math.cos(this.azimuth), Math.sin(this.azimuth)];
    const [d, t] = [Math.cos(this.elevation), Math.sin(this.elevation)];
    return [-s, c, 0, -t * c, -t * s, d, d * c, d * s, t];
  }
}

/**
 * Places x (3n) as seen: out (3n) is across and down, in shares of half a view, and depth, all in
 * -1 to 1 for places within `extent` of the middle; the nearest has depth 1.
 */
export function projected(x, camera, extent, out) {
  const [a, b, , d, e, f, g, h, k] = camera.rows();
  for (let i = 0; i < x.length; i += 3) {
    const p = x[i] / extent, q = x[i + 1] / extent, r = x[i + 2] / extent;
    const depth = g * p + h * q + k * r, size = 1 / (1 - NEARER * depth);
    out[i] = size * (a * p + b * q);
    out[i + 1] = -size * (d * p + e * q + f * r);
    out[i + 2] = depth;
  }
  return out;
}

/** A view of what lies around the middle, with words below it. */
export class Space extends PointCanvas {
  constructor(stage, { camera, label, name }) {
    super(stage, { label, words: name, role: "application" });
    this.camera = camera;
    this.canvas.style.cssText = "cursor: grab; touch-action: pan-y"; // a finger up or down scrolls the page
    const turn = (around, up) => {
      camera.turn(around, up);
      camera.held = true;
      stage.wake();
    };
    let from = null;
    const drag = (to) => {
      turn(DRAG * (to[0] - from[0]), DRAG * (to[1] - from[1]));
      from = to;
    };
    this.pointer({ press: (place) => (from = place), drag });
    this.keys((right, down) => turn(PRESS * right, -PRESS * down));
  }

  pixel(seen, i) {
    return [((seen[3 * i] + 1) * this.side) / 2, ((seen[3 * i + 1] + 1) * this.side) / 2];
  }

  seen(x) {
    return projected(x, this.camera, EXTENT, new Float64Array(x.length));
  }

  /** Points of these tints have moved, from places `before` (3n) to x. */
  follow(before, x, tints) {
    this.trails(this.seen(before), this.seen(x), grouped(tints));
  }

  /** Draw the axes, the cloud behind (3m), the trails, and points x (3n) of these tints. */
  show(behind, x, tints) {
    const { context, side, ratio, stage: { look } } = this, still = this.seen(behind), now = this.seen(x);
    context.fillStyle = look.paper;
    context.fillRect(0, 0, side, side);
    this.axes();
    context.globalAlpha = 0.5;
    for (let i = 0; i < behind.length / 3; i++) context.fillRect(...this.pixel(still, i), ratio, ratio);
    this.showTrails();
    const small = Math.max(0.7, Math.min(1, side / ratio / 380)); // finer where the view is small
    const band = (i) => Math.max(0, Math.min(BANDS - 1, Math.floor((BANDS * (1 + 1.6 * now[3 * i + 2])) / 2)));
    for (let nearest = 0; nearest < BANDS; nearest++) {
      const near = nearest / (BANDS - 1);
      context.globalAlpha = 0.55 + 0.45 * near;
      this.points(now, grouped(tints, (i) => band(i) === nearest), small * (1.4 + 0.9 * near));
    }
    context.globalAlpha = 1;
  }

  /** The directions of the three axes, in a corner. */
  axes() {
    const { context, side, ratio, stage: { look: { faint } } } = this, rows = this.camera.rows();
    const left = 0.1 * side, down = 0.9 * side, long = Math.max(18 * ratio, 0.09 * side);
    Object.assign(context, { globalAlpha: 1, strokeStyle: faint, fillStyle: faint, lineWidth: ratio });
    Object.assign(context, { font: `${12 * ratio}px system-ui, sans-serif`, textAlign: "center", textBaseline: "middle" });
    context.beginPath();
    ["x", "y", "z"].forEach((name, axis) => {
      const [p, q] = [long * rows[axis], -long * rows[3 + axis]];
      const beyond = 1 + (8 * ratio) / (Math.hypot(p, q) + ratio);
      context.moveTo(left, down);
      context.lineTo(left + p, down + q);
      context.fillText(name, left + beyond * p, down + beyond * q);
    });
    context.stroke();
  }
}
