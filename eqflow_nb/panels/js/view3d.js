// Points with trails in space, on a plain canvas: turned by drag, finger or arrow keys.

import { Canvas } from "./canvas.js";
import { grouped } from "./colours.js";

const NEARER = 0.16; // how much larger what lies near is drawn: a gentle perspective
const EXTENT = 3.6; // of what is seen, from the middle
const PLACES = 12; // of a trail
const BANDS = 3; // of depth, drawn from the farthest to the nearest
const DRAG = 3; // radians for a drag across the picture
const PRESS = 0.1; // radians for an arrow key
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

/** A view of what lies around the middle, with words below it. */
export class Space extends Canvas {
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

  resize() {
    super.resize();
    this.bold = Math.max(0.7, Math.min(1, this.side / this.ratio / 380)) * this.ratio; // thinner where small
  }

  /** Begin anew at places x (3n): no trails, and a tint for each, a number below the look's. */
  begin(x, tints) {
    Object.assign(this, { tints, since: 0, trail: [x.slice()] }); // the trail's newest place is first
    this.seen = Array.from({ length: PLACES }, () => new Float64Array(x.length));
  }

  /** The points have moved to x (3n) in some seconds. */
  follow(x, seconds) {
    this.since += seconds;
    if (this.since > EVERY) {
      this.since %= EVERY;
      this.trail.unshift(this.trail.length < PLACES ? new Float64Array(x.length) : this.trail.pop());
    }
    this.trail[0].set(x);
  }

  /** Draw the axes, the cloud behind (3m), the trails and the points. */
  show(behind) {
    const { context, side, stage } = this;
    context.fillStyle = stage.look.paper;
    context.fillRect(0, 0, side, side);
    this.axes();
    this.dots(behind);
    const ways = this.trail.map((at, age) => projected(at, this.camera, EXTENT, this.seen[age]));
    const half = Math.ceil(ways.length / 2);
    for (const [band, groups] of this.groups(ways[0]).entries()) {
      const near = band / (BANDS - 1);
      this.lines(groups, ways.slice(half - 1), 0.12 + 0.1 * near, 1);
      this.lines(groups, ways.slice(0, half), 0.25 + 0.3 * near, 1 + 0.3 * near);
      this.points(groups, ways[0], 0.55 + 0.45 * near, 1.4 + 0.9 * near);
    }
    context.globalAlpha = 1;
  }

  /** For each band of depth, the far one first, the members of each tint. */
  groups(seen) {
    const bands = Array.from(this.tints, (_, i) => (
      Math.max(0, Math.min(BANDS - 1, Math.floor((seen[3 * i + 2] * 1.6 + 1) / 2 * BANDS)))));
    return Array.from({ length: BANDS }, (_, band) => grouped(this.tints, (i) => bands[i] === band));
  }

  pixel(share) {
    return (share + 1) * this.side / 2;
  }

  lines(groups, ways, strength, thick) {
    const { context } = this;
    if (ways.length < 2) return;
    context.globalAlpha = strength;
    context.lineWidth = thick * this.bold;
    this.byTint("stroke", context, groups, (i) => {
      context.moveTo(this.pixel(ways[0][3 * i]), this.pixel(ways[0][3 * i + 1]));
      for (const way of ways) context.lineTo(this.pixel(way[3 * i]), this.pixel(way[3 * i + 1]));
    });
  }

  points(groups, seen, strength, radius) {
    const { context } = this, r = radius * this.bold;
    context.globalAlpha = strength;
    this.byTint("fill", context, groups, (i) => {
      const [p, q] = [this.pixel(seen[3 * i]), this.pixel(seen[3 * i + 1])];
      context.moveTo(p + r, q);
      context.arc(p, q, r, 0, 2 * Math.PI);
    });
  }

  /** Small faint squares at places (3m): the cloud that was given. */
  dots(places) {
    const seen = projected(places, this.camera, EXTENT, new Float64Array(places.length));
    this.context.fillStyle = this.stage.look.faint;
    this.context.globalAlpha = 0.5;
    for (let i = 0; i < seen.length; i += 3) {
      this.context.fillRect(this.pixel(seen[i]), this.pixel(seen[i + 1]), this.ratio, this.ratio);
    }
  }

  /** The directions of the three axes, in a corner. */
  axes() {
    const { context, side, ratio, stage } = this, rows = this.camera.rows();
    const [left, down, long] = [0.1 * side, 0.9 * side, Math.max(18 * ratio, 0.09 * side)];
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
