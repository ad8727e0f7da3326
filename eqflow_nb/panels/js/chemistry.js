// Two films of one sheet of chemicals from the same start: the true one, and the inferred one.

import { Random } from "./random.js";
import { grayScott, spectralFlow } from "./fields.js";
import { Canvas } from "./canvas.js";
import { make, toggle } from "./controls.js";

const STEPS_A_SECOND = 24; // Euler steps in a second of film
const LOOP = 100; // steps after which both films begin again, if they are to
const KERNELS = { // a(k) of a kernel a(k) J, k in cycles a pixel; by 1 / rate every wavelength turns alike
  spectral: (k, rate) => 1 / rate,
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
    this.end = colourBar(stage, spec);
    stage.bar.append(toggle("loop", true, (on) => (this.loops = on), "Begin again after a while"));
    this.restart();
  }

  /** Both films from the start. */
  restart() {
    this.sheet = this.spec.presets[this.stage.values.preset];
    const { start: { u, v }, most } = this.sheet;
    [this.truth, this.inferred] = [[u.slice(), v.slice()], [u.slice(), v.slice()]];
    this.random = new Random(5);
    this.time = this.due = 0;
    this.end.textContent = most.toFixed(2);
    this.infer();
  }

  /** The inferred flow goes on from where it is, by the present noise level and kernel. */
  infer() {
    const { preset, kernel, sigma } = this.stage.values, { centre, scale } = this.sheet;
    const key = `${preset} ${kernel} ${sigma}`;
    if (this.key !== key) this.model(kernel, sigma); // not each time that the films begin again
    this.key = key;
    this.flow.start(...this.inferred.map((channel, c) => channel.map((x) => (x - centre[c]) / scale[c])));
  }

  model(kernel, sigma) {
    const { n, sheet: { spectrum, mean, turn } } = this, width = n / 2 + 1;
    const lengths = Array.from({ length: n * width }, (_, i) => {
      const row = Math.floor(i / width);
      return Math.hypot(Math.min(row, n - row), i % width);
    });
    const precision = lengths.map((k) => precisionAt(spectrum, sigma, k));
    const rates = precision.map(([p, q, , r]) => Math.sqrt(p * r - q * q)), least = Math.min(...rates);
    const turning = lengths.map((k, i) => KERNELS[kernel](k / n, rates[i] / least));
    this.flow = spectralFlow({ n, mean, precision, turning });
    this.pace = (2 * Math.PI) / turn / least;
  }

  set(name) {
    if (name === "preset") this.restart();
    if (name === "kernel" || name === "sigma") this.infer();
  }

  /** Move the inferred film on by some steps of the true one. */
  follow(steps) {
    const { gamma, eta } = this.stage.values, { centre, scale } = this.sheet;
    const speed = gamma * Math.sign(this.pace);
    for (let k = 0; k < steps; k++) this.flow.advance(Math.abs(this.pace), { speed, eta }, this.random);
    this.flow.read(...this.inferred);
    this.inferred.forEach((channel, c) => channel.forEach((x, i) => (channel[i] = centre[c] + scale[c] * x)));
  }

  frame(seconds) {
    if (this.loops && this.time >= LOOP) this.restart();
    this.due += STEPS_A_SECOND * seconds;
    const steps = Math.floor(this.due), { truth, inferred } = this;
    if (steps > 0) {
      this.due -= steps;
      this.time += steps;
      grayScott(this.sheet, ...truth, this.n, steps);
      this.follow(steps);
      for (const [film, [u]] of Object.entries({ true: truth, inferred })) {
        if (!Number.isFinite(u[0])) throw new RangeError(`The ${film} film left for infinity`);
      }
    }
    [truth, inferred].forEach((film, i) => this.images[i].show(film[1], this.sheet.most));
  }

  /** How far both films have come from the start, in concentrations, and whether the same way. */
  say() {
    const { u, v } = this.sheet.start, start = [...u, ...v];
    const [a, b] = [this.truth, this.inferred].map((film) => [...film[0], ...film[1]].map((x, i) => x - start[i]));
    const dot = (x, y) => x.reduce((sum, each, i) => sum + each * y[i], 0);
    const [one, other] = [a, b].map((each) => Math.sqrt(dot(each, each) / a.length));
    const cosine = (dot(a, b) / (a.length * one * other || 1)).toFixed(2);
    const rms = `rms change so far ${one.toFixed(3)} true, ${other.toFixed(3)} inferred`;
    return `Step ${this.time}: ${rms}; their cosine ${cosine}`;
  }
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

/** A colour bar below the pictures; returns the words at its end. */
function colourBar(stage, { colours }) {
  const stops = Array.from({ length: 18 }, (_, i) => `rgb(${colours.slice(45 * i, 45 * i + 3)})`);
  const strip = make("span", { style: `background: linear-gradient(90deg, ${stops})` }), end = make("span", {});
  stage.views.append(make("div", { class: "eqflow-scale" }, "v: 0", strip, end));
  return end;
}
