// Four flows on the Lorenz attractor's snapshots, in space, from the same points.

import { Random } from "./random.js";
import { mixture } from "./scores.js";
import { atSpeed, curl, linear, lorenzField, scaled, waves } from "./flows.js";
import { network } from "./network.js";
import { langevin, rk4, workspace } from "./integrators.js";
import { tintsByAngle } from "./colours.js";
import { Camera, Space } from "./view3d.js";

const SPEED = Math.sqrt(3); // rms, of every flow: one radius of the cloud in a unit of time
const TEMPO = 1.2; // units of time in a second
const SWAY = 0.3; // radians to both sides, until the reader turns the view
const SWAY_PACE = 0.4; // radians of its sine in a second
const STIFFEST = 0.4; // of a step of the noise, over the time in which the score acts
const COARSE = 3; // neighbouring tints drawn as one
const ALL = "all four";

/**
 * The spec holds `samples` (n, 3), of which `moving` move, or `few` in each of four views; the
 * `mixture` fitted to them, sharp; Lorenz's centre and scale, and its rms `speed`; a `network`; and
 * the waves of a `potential`.
 */
export class Lorenz {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage, camera: new Camera(), phase: 0 });
    this.names = spec.controls.find(({ name }) => name === "show").options.filter((name) => name !== ALL);
    this.views = this.names.map((name) => new Space(stage, { camera: this.camera, label: `${name}: ${spec.alt}`, name }));
    this.network = network(spec.network);
    this.truth = scaled(lorenzField(spec), SPEED / spec.speed);
    this.potential = waves({ ...spec.potential, d: 3 });
    this.restart();
  }

  /** The same blurred points again for every flow shown, each coloured by where it is now. */
  restart() {
    const { spec, stage } = this, random = new Random(1);
    this.cloud = spec.samples.map((each) => each + stage.values.sigma * random.normal());
    const { show } = stage.values, n = show === ALL ? spec.few : spec.moving;
    this.start = this.cloud.slice(0, 3 * n);
    this.behind = this.cloud.slice(3 * spec.moving);
    const plane = this.start.filter((_, i) => i % 3 !== 1); // x and z
    const tints = tintsByAngle(plane, 0, 0, new Uint8Array(n)).map((tint) => tint - (tint % COARSE));
    this.runs = this.names.map((name) => ({ name, x: this.start.slice(), random: new Random(7) }));
    this.views.forEach((view, i) => {
      view.element.style.flex = show === ALL ? "0 0 calc(50% - 5px)" : "1 1 260px";
      view.element.hidden = show !== ALL && show !== this.names[i];
      view.resize();
      view.begin(this.start, tints);
    });
    this.work = workspace(this.start.length);
    this.time = 0;
    this.model();
  }

  /** The four fields at the present noise level, at one rms speed over the blurred points. */
  model() {
    this.score = mixture(this.spec.mixture, 3, this.stage.values.sigma).score;
    this.fields = [this.truth, this.network, this.skew(), atSpeed(curl(this.potential, this.score), SPEED, this.start, 3)];
  }

  skew() {
    const { xy, xz, yz } = this.stage.values;
    return atSpeed(linear([[0, xy, xz], [-xy, 0, yz], [-xz, -yz, 0]], this.score), SPEED, this.start, 3);
  }

  set(name, value) {
    if (name === "show") this.restart();
    else if (name === "sigma") this.model();
    else this.fields[2] = this.skew();
  }

  frame(seconds) {
    const { sigma, eta } = this.stage.values, dt = TEMPO * seconds;
    this.sway(seconds);
    this.time += dt;
    const steps = Math.ceil((dt * eta) / (STIFFEST * sigma ** 2));
    this.runs.forEach(({ name, x, random }, i) => {
      const view = this.views[i];
      if (view.element.hidden) return;
      if (dt > 0) {
        rk4(this.fields[i], x, dt, this.work);
        for (let k = 0; k < steps && name !== "truth"; k++) {
          langevin(this.score, x, dt / steps, eta, random, this.work);
        }
        if (!x.every(Number.isFinite)) throw new RangeError(`The points of ${name} left for infinity`);
        view.follow(x, seconds);
      }
      view.show(this.behind);
      view.words.textContent = `${name}: ${this.crossed(x)}% crossed`;
    });
  }

  /** Turn the view to and fro: motion shows depth. */
  sway(seconds) {
    const before = this.phase;
    this.phase += SWAY_PACE * seconds;
    if (!this.camera.held) this.camera.azimuth += SWAY * (Math.sin(this.phase) - Math.sin(before));
  }

  /** How many of 100 points have x of another sign than at the start. */
  crossed(x) {
    let many = 0;
    for (let i = 0; i < x.length; i += 3) many += x[i] * this.start[i] < 0;
    return Math.round((300 * many) / x.length);
  }

  say() {
    return `t = ${this.time.toFixed(1)} (path in radii of the cloud)`;
  }
}
