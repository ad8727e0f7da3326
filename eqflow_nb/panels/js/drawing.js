// A sheet to draw dots on, by mouse, finger or keys: the dots are the cloud that points move in.

import { Brush } from "./brush.js";
import { Random } from "./random.js";
import { mixture } from "./scores.js";
import { button, choice, make, toggle } from "./controls.js";

const MOST_DOTS = 5000; // on the sheet
const SPACING = 0.045; // between the dots of a stroke, along it
const BRUSH = 0.13; // radii
const ERASER = 0.35;
const PATIENCE = 5; // frames between two pictures of the density while something is drawn

/** Dots [x, y, rank] of a drawing; the ranks are random, for an order that says nothing. */
export class Sheet {
  constructor(cloud) {
    Object.assign(this, { cloud, plane: cloud.plane, stage: cloud.stage, spec: cloud.spec });
    this.random = new Random(11);
    this.hint = make("div", { class: "eqflow-hint" }, this.spec.hint);
    this.plane.element.append(this.hint);
    this.brush = new Brush(this.plane, {
      begin: () => this.begin(),
      stroke: (...ends) => this.stroke(...ends.map((end) => this.plane.place(end))),
      end: () => this.end(),
    });
    this.take(this.spec.world);
    this.tools();
  }

  tools() {
    const erase = (on) => {
      this.erases = on;
      this.brush.width = (on ? ERASER : BRUSH) / this.plane.extent;
    };
    erase(false);
    const clear = button("Clear", () => this.replace(() => this.put([])));
    const none = "or take\u2026";
    const ready = choice(none, [none, ...Object.keys(this.spec.worlds)], (name) => {
      if (name !== none) this.replace(() => this.take(name));
      ready.value = none;
    }, { "aria-label": "take a ready-made drawing" });
    this.stage.bar.append(toggle("Eraser", false, erase), clear, ready);
  }

  /** Put a ready-made drawing on the sheet; the first stroke replaces it. */
  take(name) {
    const { means } = this.spec.worlds[name];
    this.put(Array.from({ length: means.length / 2 }, (_, i) => this.dot(means[2 * i], means[2 * i + 1])));
    this.readyMade = true;
  }

  put(dots) {
    [this.dots, this.fresh, this.gone, this.readyMade] = [dots, [], [], false];
    this.hint.hidden = dots.length > 0 && this.used;
  }

  replace(put) {
    put();
    this.cloud.restart();
    this.count();
  }

  dot(x, y) {
    return [x, y, this.random.uniform()];
  }

  count() {
    this.stage.tell(`${this.dots.length} dots on the sheet.`);
    this.stage.wake();
  }

  get busy() {
    return this.brush.pen !== null;
  }

  /** What p is made of: the same small Gaussian around every dot. */
  parts(dots = this.dots) {
    const mixed = [...dots].sort((one, other) => one[2] - other[2]);
    const means = Float64Array.from(mixed.flatMap(([x, y]) => [x, y]));
    return { weights: new Float64Array(dots.length).fill(1), means, covariances: null };
  }

  begin() {
    if (this.readyMade && !this.erases) this.replace(() => this.put([]));
    this.used = this.hint.hidden = true;
  }

  end() {
    this.readyMade = false;
    this.cloud.stale = true;
    if (this.cloud.mixture) this.cloud.recolour();
    this.hint.hidden = this.dots.length > 0;
    this.count();
  }

  /** Draw, or erase, from one place to another. */
  stroke(from, to) {
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    if (this.erases) {
      const hit = (dot) => toLine(dot, from, to) < ERASER;
      this.gone.push(...this.dots.filter(hit));
      this.dots = this.dots.filter((dot) => !hit(dot));
    } else {
      const number = Math.min(MOST_DOTS - this.dots.length, length ? Math.ceil(length / SPACING) : 8);
      for (let i = 0; i < number; i++) this.drop(from, to);
    }
    this.stage.wake();
  }

  /** One dot within the brush's radius of a line, kept on the sheet. */
  drop(from, to) {
    const along = this.random.uniform(), turn = 2 * Math.PI * this.random.uniform();
    const out = BRUSH * Math.sqrt(this.random.uniform()), { extent } = this.plane;
    const [x, y] = [Math.cos(turn), Math.sin(turn)].map((part, i) => (
      Math.max(-extent, Math.min(extent, from[i] + along * (to[i] - from[i]) + out * part))));
    this.fresh.push(this.dot(x, y));
    this.dots.push(this.fresh.at(-1));
  }

  /**
   * Before a frame: let p follow the drawing.  Points are drawn from p, and stay so: of new dots
   * each gets its share of them, and those that came from a dot that is gone start anew.
   */
  update() {
    const { cloud, fresh, gone } = this, { sigma = this.spec.sigma } = this.stage.values;
    if (!fresh.length && !gone.length) return;
    const old = cloud.mixture, left = this.chances(gone, old, sigma);
    [this.fresh, this.gone] = [[], []];
    const patient = this.busy && cloud.stage.frames % PATIENCE;
    if (!cloud.tints.length || !this.dots.length) return cloud.restart();
    cloud.model();
    cloud.stale = !patient;
    if (left) cloud.reseed((i) => cloud.random.uniform() < left[i], cloud.mixture);
    if (!fresh.length) return;
    const share = fresh.length / this.dots.length;
    cloud.reseed(() => cloud.random.uniform() < share, mixture(this.parts(fresh), 2, sigma));
  }

  /** For each point the chance that it came from one of the dots that are gone. */
  chances(gone, old, sigma) {
    if (!gone.length || !old) return null;
    const { x, tints } = this.cloud, both = [0, 1].map(() => new Float64Array(tints.length));
    mixture(this.parts(gone), 2, sigma).logDensity(x, both[0]);
    old.logDensity(x, both[1]);
    const share = gone.length / (gone.length + this.dots.length);
    return both[0].map((log, i) => share * Math.exp(log - both[1][i]));
  }

  /** The dots, behind the points. */
  ink() {
    this.plane.dots(this.plane.back, this.dots);
  }

  /** Over the points: new dots that are not behind them yet. */
  drawOver() {
    if (this.busy) this.plane.dots(this.plane.context, this.dots.slice(-200));
  }
}

/** The distance of a dot from a line between two places. */
function toLine([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay], square = dx * dx + dy * dy;
  const along = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
