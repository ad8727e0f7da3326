// A cloud in the plane, a flow that keeps it, and points that move in it.

import { Random } from "./random.js";
import { mixture } from "./scores.js";
import { atSpeed, linear, quadratic, rmsSpeed, scaled, stream, waves } from "./flows.js";
import { langevin, rk4, workspace } from "./integrators.js";
import { grouped, tintsByAngle } from "./colours.js";
import { toggle } from "./controls.js";
import { Plane } from "./view2d.js";
import { Distance } from "./distance.js";
import { Sheet } from "./drawing.js";

const POINTS = 2000;
const CENTRES = 500; // dots at most that p is made of
const RADIUS = 1.6; // of a point, in pixels
const PACE = 0.9; // rms speed at gamma = 1, in units of the plane a second
const FEW = 300; // points on which a field's speed and steepness are measured
const TURN = 0.4; // an integrator's step, over the time in which the steepest part of a flow acts
const SUBSTEPS = 4; // at most, in a frame: where a flow is steep, time passes more slowly
const J = [[0, 1], [-1, 0]];

/**
 * Points of dx = c (gamma v + eta s) dt + sqrt(2 c eta) dW with v = J s, or J (grad psi + psi s), in
 * a world blurred by sigma.  The constants c only set the clock: they give v and s the same speed.
 *
 * The spec holds `worlds`, each {weights, means, covariances}, by name; `psi`, stream functions by
 * name, if any; `lines`, if flow lines are shown at first; `draws`, if the world is what is drawn on
 * the sheet, which begins with `world`.
 */
export class Cloud {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage });
    this.plane = new Plane(stage, spec);
    this.shows = { lines: spec.lines, arrows: false };
    this.sheet = spec.draws ? new Sheet(this) : null;
    for (const [name, label] of [["lines", "Flow lines"], ["arrows", "Score"]]) {
      stage.bar.append(toggle(label, this.shows[name], (on) => this.showing(name, on)));
    }
    this.restart();
  }

  showing(name, on) {
    this.shows[name] = on;
    this.stale = true;
    this.stage.wake();
  }

  /** What p is made of. */
  get parts() {
    const { worlds, world } = this.spec;
    return this.sheet ? this.sheet.parts() : worlds[this.stage.values.world ?? world];
  }

  /** Fresh points; the same ones for the same settings. */
  restart() {
    this.random = new Random(1);
    this.model();
    const n = this.mixture ? POINTS : 0;
    this.x = n ? this.mixture.sample(n, this.random) : new Float64Array(0);
    [this.before, this.work, this.tints] = [this.x.slice(), workspace(2 * n), new Uint8Array(n)];
    this.time = 0;
    this.plane.clearTrails();
    this.recolour();
  }

  /** The blurred world and its flow, both at the same speed, and how steep they are. */
  model() {
    const { parts } = this, { sigma = this.spec.sigma } = this.stage.values;
    this.stale = true;
    this.distance = null;
    this.mixture = parts.weights.length ? mixture(fewer(parts, sigma), 2, sigma) : null;
    if (!this.mixture) return;
    const { score } = this.mixture, some = this.mixture.sample(FEW, new Random(7));
    this.clock = PACE / Math.max(1e-6, rmsSpeed(score, some, 2));
    this.velocity = atSpeed(this.flow(score), PACE, some, 2);
    this.steep = [this.velocity, scaled(score, this.clock)].map((field) => steepness(field, some));
  }

  flow(score) {
    const { psi, mix = 1 } = this.stage.values;
    if (!psi) return linear(J, score);
    const chosen = this.spec.psi[psi];
    return stream(chosen.waves ? waves(chosen) : quadratic(chosen), score, mix);
  }

  /** A tint for each point, by the side on which it is now. */
  recolour() {
    const n = this.tints.length;
    this.centre = [0, 1].map((side) => this.x.reduce((sum, v, i) => sum + (i % 2 === side ? v / n : 0), 0));
    this.groups = grouped(tintsByAngle(this.x, ...this.centre, this.tints));
  }

  /** Let points that `leaves(i)` chooses start anew, from a mixture; so p can change under them. */
  reseed(leaves, from) {
    const one = new Float64Array(2), tint = new Uint8Array(1);
    for (let i = 0; i < this.tints.length; i++) {
      if (!leaves(i)) continue;
      from.sample(1, this.random, one);
      this.x.set(one, 2 * i);
      this.tints.set(tintsByAngle(one, ...this.centre, tint), i);
    }
    this.groups = grouped(this.tints);
  }

  set(name) {
    if (name === "world" || name === "sigma") this.restart();
    else if (name === "psi" || name === "mix") this.model();
    else this.stale ||= name === "gamma";
  }

  resize() {
    this.stale = true;
  }

  frame(seconds) {
    this.sheet?.update();
    if (this.mixture && seconds > 0) {
      this.before.set(this.x);
      this.move(seconds);
      this.plane.trails(this.before, this.x, this.groups);
      this.measure();
    }
    if (this.stale) this.drawBack();
    this.plane.show(this.x, this.groups, RADIUS);
    this.sheet?.drawOver();
  }

  move(seconds) {
    const { gamma = 1, eta = 0 } = this.stage.values;
    const rate = Math.abs(gamma) * this.steep[0] + eta * this.steep[1];
    if (rate === 0) return;
    const steps = Math.min(SUBSTEPS, Math.ceil((seconds * rate) / TURN));
    const dt = Math.min(seconds / steps, TURN / rate);
    const velocity = scaled(this.velocity, gamma), { score } = this.mixture;
    for (let i = 0; i < steps; i++) {
      if (gamma !== 0) rk4(velocity, this.x, dt, this.work);
      if (eta > 0) langevin(score, this.x, dt, eta * this.clock, this.random, this.work);
      this.time += dt;
    }
    if (!this.x.every(Number.isFinite)) throw new RangeError("The points have left the plane");
  }

  /** One look at the distance to p a frame, but for when p is changing. */
  measure() {
    if (this.sheet?.busy) return;
    this.distance ??= new Distance(this.mixture, POINTS);
    this.distance.look(this.x);
  }

  drawBack() {
    const { plane, shows, mixture } = this, { gamma = 1 } = this.stage.values;
    this.stale = false;
    plane.clearBack();
    if (mixture) plane.density(mixture.logDensity);
    this.sheet?.ink();
    if (mixture && shows.lines && gamma !== 0) plane.streamlines(this.velocity, gamma);
    if (mixture && shows.arrows) plane.arrows(mixture.score);
  }

  say() {
    if (!this.mixture) return "";
    return `time ${this.time.toFixed(1)}${this.distance?.said() ?? ""}`;
  }
}

/**
 * Of a cloud of dots, those that p is made of: its first, as many as cost too much time if there
 * were more, and the fewer the more blur there is.  Dots come in random order.
 */
export function fewer({ weights, means, covariances }, sigma) {
  const most = Math.min(CENTRES, Math.ceil(25 / sigma ** 2));
  if (covariances || weights.length <= most) return { weights, means, covariances };
  return { weights: weights.slice(0, most), means: means.slice(0, 2 * most), covariances };
}

/** The rate at which a field changes from place to place, at all but a few of states x (2n). */
function steepness(field, x) {
  const h = 1e-3, here = new Float64Array(x.length), there = new Float64Array(x.length);
  field(x, here);
  field(x.map((value) => value + h), there);
  const rates = Float64Array.from({ length: x.length / 2 }, (_, i) => (
    Math.hypot(there[2 * i] - here[2 * i], there[2 * i + 1] - here[2 * i + 1]) / h));
  return rates.sort()[Math.floor(0.95 * rates.length)];
}
