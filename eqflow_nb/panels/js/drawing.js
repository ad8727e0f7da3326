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
    this.put(this.ready(this.spec.world), true);
    this.tools();
  }

  tools() {
    const erase = (on) => {
      this.erases = on;
      this.brush.width = (on ? ERASER : BRUSH) / this.plane.extent;
    };
    erase(false);
    const none = "or take\u2026";
    const ready = choice(none, [none, ...Object.keys(this.spec.worlds)], (name) => {
      if (name !== none) this.replace(this.ready(name), true);
      ready.value = none;
    }, { "aria-label": "take a ready-made drawing" });
    this.stage.bar.append(toggle("Eraser", false, erase), button("Clear", () => this.replace([])), ready);
  }

  /** The dots of a ready-made drawing. */
  ready(name) {
    const { means } = this.spec.worlds[name];
    return Array.from({ length: means.length / 2 }, (_, i) => [means[2 * i], means[2 * i + 1], this.random.uniform()]);
  }

  /** Put dots on the sheet; those that are ready-made are replaced by the first stroke. */
  put(dots, readyMade = false) {
    Object.assign(this, { dots, readyMade, fresh: [], gone: 0 });
    this.hint.hidden = dots.length > 0 && this.used;
  }

  replace(dots, readyMade) {
    this.put(dots, readyMade);
    this.cloud.restart();
    this.count();
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
    return { weights: dots.map(() => 1), means: mixed.flatMap(([x, y]) => [x, y]), covariances: null };
  }

  begin() {
    if (this.readyMade && !this.erases) this.replace([]);
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
    if (this.erases) {
      const left = this.dots.filter((dot) => toLine(dot, from, to) >= ERASER);
      this.gone += this.dots.length - left.length;
      this.dots = left;
    } else {
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
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
    this.fresh.push([x, y, this.random.uniform()]);
    this.dots.push(this.fresh.at(-1));
  }

  /**
   * Before a frame: let p follow the drawing.  Points are drawn from p, and stay so: those that came
   * from a dot that is gone start anew, and of new dots each gets its share of the points.
   */
  update() {
    const { cloud, fresh, gone, dots } = this, { sigma = this.spec.sigma } = this.stage.values;
    if (!fresh.length && !gone) return;
    Object.assign(this, { fresh: [], gone: 0 });
    if (!cloud.tints.length || !dots.length) return cloud.restart();
    const old = cloud.mixture, wait = this.busy && this.stage.frames % PATIENCE;
    cloud.model();
    cloud.stale = !wait;
    if (gone) {
      const logs = [old, cloud.mixture].map(() => new Float64Array(cloud.tints.length));
      [old, cloud.mixture].forEach((p, i) => p.logDensity(cloud.x, logs[i]));
      const stays = (i) => (dots.length / (dots.length + gone)) * Math.exp(logs[1][i] - logs[0][i]);
      cloud.reseed((i) => cloud.random.uniform() > stays(i), cloud.mixture);
    }
    if (!fresh.length) return;
    cloud.reseed(() => cloud.random.uniform() < fresh.length / dots.length, mixture(this.parts(fresh), 2, sigma));
  }
}

/** The distance of a dot from a line between two places. */
function toLine([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay], square = dx * dx + dy * dy;
  const along = square ? Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / square)) : 0;
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
