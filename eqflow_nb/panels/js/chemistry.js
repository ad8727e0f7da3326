// Two films of one sheet of chemicals from the same start: the true one, and the inferred one.

import { Random } from "./random.js";
import { grayScott, spectralFlow } from "./fields.js";
import { Canvas } from "./canvas.js";
import { make, toggle } from "./controls.js";

const STEPS_A_SECOND = 24; // Euler steps in a second of film
const LOOP = 100; // steps after which both films begin again, if they are to
const SHAPES = { // a(k) of a kernel a(k) J, k in cycles a pixel; null: every wavelength turns alike
  spectral: null,
  "one pixel": () => 1,
  blurred: (k) => Math.exp(-2 * (Math.PI * k) ** 2),
};

/**
 * The spec holds `presets` by name, each with the rates {F, k, Du, Dv}, the `start` {u, v} (n, n),
 * `centre` and `scale` of both, the scaled channels' `mean` and `spectrum` (rings, 3): C(|k|), the
 * covariances of their orthonormal Fourier coefficients at |k| = 0, 1, 2 ..., and `turn`, the steps
 * in which the spectral rule turns once when it is as fast as the truth, negative if backwards.
 */
export class Chemistry {
  constructor(spec, stage) {
    const [{ start }] = Object.values(spec.presets);
    Object.assign(this, { spec, stage, loops: true, n: start.u.shape[0] });
    this.images = ["the true film", "the inferred film"].map((words) => new Film(stage, spec, words, this.n));
    this.bar = colourBar(stage, spec);
    stage.bar.append(toggle("loop", true, (on) => (this.loops = on), "Begin again after a while"));
    this.restart();
  }

  /** Both films from the start. */
  restart() {
    const { preset } = this.stage.values, sheet = this.spec.presets[preset], { start } = sheet;
    this.sheet = sheet;
    this.truth = [start.u.slice(), start.v.slice()];
    this.inferred = [start.u.slice(), start.v.slice()];
    this.random = new Random(5);
    this.time = this.due = 0;
    this.bar(sheet.most);
    this.infer();
  }

  /** The inferred flow goes on from where it is, by the present noise level and kernel. */
  infer() {
    const { kernel, sigma } = this.stage.values, { n, sheet } = this;
    const precision = byFrequency(n, (k) => precisionAt(sheet.spectrum, sigma, k)), shape = SHAPES[kernel];
    const symbol = shape && byFrequency(n, (k) => [0, shape(k / n), -shape(k / n), 0]);
    this.flow = spectralFlow({ n, mean: sheet.mean, precision, symbol });
    this.flow.start(...this.inferred.map((channel, c) => channel.map((x) => (x - sheet.centre[c]) / sheet.scale[c])));
    let least = Infinity; // of the precisions' determinants: the spectral rule turns at its root
    for (let i = 0; i < precision.length; i += 4) {
      least = Math.min(least, precision[i] * precision[i + 3] - precision[i + 1] ** 2);
    }
    this.pace = (2 * Math.PI) / sheet.turn / Math.sqrt(least);
  }

  set(name) {
    if (name === "preset") this.restart();
    if (name === "kernel" || name === "sigma") this.infer();
  }

  /** Move the inferred film on by some steps of the true one. */
  follow(steps) {
    const { gamma, eta } = this.stage.values, { centre, scale } = this.sheet;
    const speed = gamma * Math.sign(this.pace);
    this.flow.advance(steps * Math.abs(this.pace), { speed, eta }, this.random);
    this.flow.read(...this.inferred);
    this.inferred.forEach((channel, c) => channel.forEach((x, i) => (channel[i] = centre[c] + scale[c] * x)));
  }

  frame(seconds) {
    if (this.loops && this.time >= LOOP) this.restart();
    this.due += STEPS_A_SECOND * seconds;
    const steps = Math.floor(this.due);
    if (steps > 0) {
      this.due -= steps;
      this.time += steps;
      grayScott(this.sheet, ...this.truth, this.n, steps);
      this.follow(steps);
      for (const [film, [u]] of [["true", this.truth], ["inferred", this.inferred]]) {
        if (!Number.isFinite(u[0])) throw new RangeError(`The ${film} film left for infinity`);
      }
    }
    [this.truth, this.inferred].forEach((film, i) => this.images[i].show(film[1], this.sheet.most));
  }

  /** How far both films have come from the start, in concentrations, and whether the same way. */
  say() {
    const { u, v } = this.sheet.start, start = [...u, ...v];
    const [a, b] = [this.truth, this.inferred].map((film) => [...film[0], ...film[1]].map((x, i) => x - start[i]));
    const dot = (x, y) => x.reduce((sum, each, i) => sum + each * y[i], 0), [aa, bb] = [dot(a, a), dot(b, b)];
    const [one, other] = [aa, bb].map((square) => Math.sqrt(square / a.length).toFixed(3));
    const cosine = (dot(a, b) / Math.sqrt(aa * bb || 1)).toFixed(2);
    return `Step ${this.time}: rms change so far ${one} true, ${other} inferred; their cosine ${cosine}`;
  }
}

/** Matrices (n, n / 2 + 1, 2, 2) of all frequencies k that are kept, each made from |k|. */
function byFrequency(n, matrix) {
  const width = n / 2 + 1, out = new Float64Array(4 * n * width);
  for (let i = 0; i < n * width; i++) {
    const row = Math.floor(i / width);
    out.set(matrix(Math.hypot(Math.min(row, n - row), i % width)), 4 * i);
  }
  return out;
}

/** (C + sigma^2)^-1 at a frequency of length k, from C (rings, 3) at 0, 1, 2 ... */
function precisionAt(spectrum, sigma, k) {
  const at = Math.min(Math.floor(k), spectrum.length / 3 - 2), share = Math.min(1, k - at);
  const [p, q, r] = [0, 1, 2].map((j) => (1 - share) * spectrum[3 * at + j] + share * spectrum[3 * at + 3 + j]);
  const [a, d] = [p + sigma ** 2, r + sigma ** 2], det = a * d - q * q;
  return [d / det, -q / det, -q / det, a / det];
}

/** Pictures of a field in the colours that the spec holds (256, 3). */
class Film extends Canvas {
  constructor(stage, { alt, colours }, words, pixels) {
    super(stage, { label: `${words}: ${alt}`, words, pixels });
    this.element.style.flexBasis = "140px";
    this.image = this.context.createImageData(pixels, pixels);
    this.pixels32 = new Uint32Array(this.image.data.buffer);
    const bytes = new Uint8ClampedArray(1024).fill(255);
    colours.forEach((part, i) => (bytes[4 * Math.floor(i / 3) + (i % 3)] = part));
    this.colours = new Uint32Array(bytes.buffer);
  }

  /** Show a field (n * n), 0 to `most`. */
  show(field, most) {
    const { pixels32, colours } = this, level = 256 / most;
    field.forEach((v, i) => (pixels32[i] = colours[Math.max(0, Math.min(255, Math.floor(level * v)))]));
    this.context.putImageData(this.image, 0, 0);
  }
}

/** A colour bar below the pictures; returns what sets its end. */
function colourBar(stage, { colours }) {
  const stops = Array.from({ length: 18 }, (_, i) => `rgb(${colours.slice(45 * i, 45 * i + 3)})`);
  const strip = make("span", {}), end = make("span", {});
  strip.style.cssText = `flex: 1; height: 12px; border-radius: 3px; background: linear-gradient(90deg, ${stops})`;
  const bar = make("div", {}, "v: 0", strip, end);
  bar.style.cssText = "flex: 1 1 100%; display: flex; gap: 8px; align-items: center; font-size: 13px";
  stage.views.append(bar);
  return (most) => (end.textContent = most.toFixed(2));
}
