// Points with trails in space, on a plain canvas: turned by drag, finger or arrow keys.

import { make } from "./controls.js";

const NEARER = 0.16; // how much larger what lies near is drawn: a gentle perspective
const BANDS = 3; // of depth, drawn from the farthest to the nearest
const RADIANS_A_PIXEL = 0.01; // radians for each pixel of a drag
const TURNS = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
const FINEST = 2; // pixels of the canvas for each of the page's
const EVERY = 1 / 30; // seconds between two places of a trail

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

/** A view of what lies within `extent` of the middle, with words below it. */
export function space(stage, { camera, label, name, extent = 3.6, places = 12 }) {
  const canvas = make("canvas", { role: "application", tabindex: 0, "aria-label": label });
  canvas.style.cssText = "aspect-ratio: 1; cursor: grab; touch-action: pan-y";
  const words = make("figcaption", {}, name);
  const element = make("figure", { class: "eqflow-view" }, canvas, words);
  stage.views.append(element);
  return new Space(stage, { camera, canvas, element, words, extent, places });
}

class Space {
  constructor(stage, parts) {
    Object.assign(this, { stage, ...parts });
    this.context = this.canvas.getContext("2d");
    this.handle();
    this.resize();
  }

  /** Turn by mouse or finger, across for a finger, which else scrolls the page, and by keys. */
  handle() {
    const { stage, canvas, camera } = this;
    let from = null;
    const turn = (around, up) => {
      camera.turn(around, up);
      camera.held = true;
      stage.wake();
    };
    stage.listen(canvas, "pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      from = [event.clientX, event.clientY];
    });
    stage.listen(canvas, "pointermove", (event) => {
      if (!from) return;
      turn(RADIANS_A_PIXEL * (event.clientX - from[0]), RADIANS_A_PIXEL * (event.clientY - from[1]));
      from = [event.clientX, event.clientY];
    });
    for (const end of ["pointerup", "pointercancel"]) stage.listen(canvas, end, () => (from = null));
    stage.listen(canvas, "keydown", (event) => {
      if (!(event.key in TURNS)) return;
      event.preventDefault();
      turn(...TURNS[event.key]);
    });
  }

  resize() {
    const ratio = Math.min(FINEST, window.devicePixelRatio || 1);
    this.ratio = ratio;
    this.width = Math.max(16, Math.round((this.canvas.clientWidth || 280) * ratio));
    this.bold = Math.max(0.7, Math.min(1, this.width / ratio / 380)) * ratio; // thinner where small
    this.canvas.width = this.canvas.height = this.width;
  }

  /** Begin anew at places x (3n): no trails, and a tint for each, a number below the look's. */
  begin(x, tints) {
    const n = x.length / 3;
    Object.assign(this, { tints, n, now: 0, filled: 1, since: 0 });
    this.trail = Array.from({ length: this.places }, () => new Float64Array(3 * n));
    this.seen = this.trail.map(() => new Float64Array(3 * n));
    this.trail[0].set(x);
  }

  /** The points have moved to x (3n) in some seconds. */
  follow(x, seconds) {
    this.since += seconds;
    if (this.since > EVERY) {
      this.since %= EVERY;
      this.now = (this.now + 1) % this.places;
      this.filled = Math.min(this.places, this.filled + 1);
    }
    this.trail[this.now].set(x);
  }

  /** Draw the axes, the cloud behind (3m), the trails and the points. */
  show(behind) {
    const { context, width, stage } = this;
    context.fillStyle = stage.look.paper;
    context.fillRect(0, 0, width, width);
    this.axes();
    this.dots(behind);
    const order = Array.from({ length: this.filled }, (_, age) => (this.now + this.places - age) % this.places);
    for (const at of order) projected(this.trail[at], this.camera, this.extent, this.seen[at]);
    const ways = order.map((at) => this.seen[at]);
    const half = Math.ceil(ways.length / 2);
    for (const [band, groups] of this.groups(ways[0]).entries()) {
      const near = band / (BANDS - 1);
      this.lines(groups, ways.slice(half - 1), 0.12 + 0.1 * near, 1);
      this.lines(groups, ways.slice(0, half), 0.25 + 0.3 * near, 1 + 0.3 * near);
      this.points(groups, ways[0], 0.55 + 0.45 * near, 1.4 + 0.9 * near);
    }
    context.globalAlpha = 1;
  }

  /** For each band of depth, the far one first: the tints in it, and the points of each. */
  groups(seen) {
    const bands = Array.from({ length: BANDS }, () => new Map());
    for (let i = 0; i < this.n; i++) {
      const band = Math.max(0, Math.min(BANDS - 1, Math.floor((seen[3 * i + 2] * 1.6 + 1) / 2 * BANDS)));
      const members = bands[band].get(this.tints[i]);
      if (members) members.push(i);
      else bands[band].set(this.tints[i], [i]);
    }
    return bands;
  }

  pixel(share) {
    return (share + 1) * this.width / 2;
  }

  lines(groups, ways, strength, thick) {
    const { context } = this;
    if (ways.length < 2) return;
    context.globalAlpha = strength;
    context.lineWidth = thick * this.bold;
    for (const [tint, members] of groups) {
      context.strokeStyle = this.stage.look.tints[tint];
      context.beginPath();
      for (const i of members) {
        context.moveTo(this.pixel(ways[0][3 * i]), this.pixel(ways[0][3 * i + 1]));
        for (const way of ways) context.lineTo(this.pixel(way[3 * i]), this.pixel(way[3 * i + 1]));
      }
      context.stroke();
    }
  }

  points(groups, seen, strength, radius) {
    const { context } = this, r = radius * this.bold;
    context.globalAlpha = strength;
    for (const [tint, members] of groups) {
      context.fillStyle = this.stage.look.tints[tint];
      context.beginPath();
      for (const i of members) {
        const [p, q] = [this.pixel(seen[3 * i]), this.pixel(seen[3 * i + 1])];
        context.moveTo(p + r, q);
        context.arc(p, q, r, 0, 2 * Math.PI);
      }
      context.fill();
    }
  }

  /** Small faint squares at places (3m): the cloud that was given. */
  dots(places) {
    const seen = projected(places, this.camera, this.extent, new Float64Array(places.length));
    this.context.fillStyle = this.stage.look.faint;
    this.context.globalAlpha = 0.5;
    for (let i = 0; i < seen.length; i += 3) {
      this.context.fillRect(this.pixel(seen[i]), this.pixel(seen[i + 1]), this.ratio, this.ratio);
    }
  }

  /** The directions of the three axes, in a corner. */
  axes() {
    const { context, width, ratio, stage } = this, rows = this.camera.rows();
    const [left, down, long] = [0.1 * width, 0.9 * width, Math.max(18 * ratio, 0.09 * width)];
    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle = stage.look.faint;
    context.lineWidth = ratio;
    context.font = `${12 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.beginPath();
    ["x", "y", "z"].forEach((name, axis) => {
      const [p, q] = [long * rows[axis], -long * rows[3 + axis]], beyond = 1 + (8 * ratio) / (Math.hypot(p, q) + ratio);
      context.moveTo(left, down);
      context.lineTo(left + p, down + q);
      context.fillText(name, left + beyond * p, down + beyond * q);
    });
    context.stroke();
  }
}
