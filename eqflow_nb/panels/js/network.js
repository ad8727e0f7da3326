// A trained network as a velocity field.

import { numbers } from "./arrays.js";
import { expMinus } from "./exponential.js";

const MOST = Math.exp(30);
const LANES = 4; // states side by side in the network: each weight is read once for all of them
/** The hidden units' bends, in place.  Without a case for each sign, which would be slow to guess. */
const BENDS = {
  tanh(h) {
    for (let i = 0; i < h.length; i++) h[i] = 2 / (1 + decline(2 * h[i])) - 1;
  },
  silu(h) {
    for (let i = 0; i < h.length; i++) h[i] /= 1 + decline(h[i]);
  },
};

/** e^-z, held constant where |z| > 30 and nothing depends on it. */
function decline(z) {
  return MOST * expMinus(Math.min(Math.max(30 + z, 0), 60));
}

/**
 * The velocity v(x) of a trained network, that of `FlowNetworks` in Python: layers of weights
 * (in, out) and bias (out), tanh or SiLU between them, the last one linear, times `speed`.  Octaves
 * add sin and cos of 2^k x to the inputs; with signs (d), a symmetry S x = signs * x, it is averaged
 * to (f(x) + S f(S x)) / 2.
 */
export function network({ layers, octaves = 0, signs = null, speed = 1, activation = "tanh" }) {
  const bend = BENDS[activation];
  if (!bend) throw new Error(`activation is ${activation}; known are ${Object.keys(BENDS).join(", ")}`);
  const stack = layers.map(({ weights, bias }) => dense(numbers(weights, "weights"), numbers(bias, "bias")));
  const d = layers[layers.length - 1].bias.length, width = d * (1 + 2 * octaves);
  if (layers[0].weights.length !== width * layers[0].bias.length) {
    throw new Error(`the first layer does not read the ${width} inputs that ${octaves} octaves make`);
  }
  // Coordinate i of lane l lies at i * LANES + l.
  const inputs = new Float64Array(width * LANES), mirrors = signs === null ? [Array(d).fill(1)] : [Array(d).fill(1), signs];

  return (x, out) => {
    out.fill(0);
    for (let first = 0; first < x.length; first += d * LANES) {
      const many = Math.min(LANES, (x.length - first) / d);
      for (const mirror of mirrors) {
        for (let l = 0; l < many; l++) {
          for (let i = 0; i < d; i++) features(mirror[i] * x[first + l * d + i], i * LANES + l, d * LANES, inputs);
        }
        let layer = stack[0](inputs);
        for (const next of stack.slice(1)) {
          bend(layer);
          layer = next(layer);
        }
        for (let l = 0; l < many; l++) {
          for (let i = 0; i < d; i++) out[first + l * d + i] += (speed / mirrors.length) * mirror[i] * layer[i * LANES + l];
        }
      }
    }
  };
}

/** x, and sin and cos of 2^k x by doubling the angle, at every `stride` places from `at`. */
function features(x, at, stride, inputs) {
  inputs[at] = x;
  let sin = Math.sin(x), cos = Math.cos(x);
  for (let place = at + stride; place < inputs.length; place += 2 * stride) {
    inputs[place] = sin;
    inputs[place + stride] = cos;
    [sin, cos] = [2 * sin * cos, cos * cos - sin * sin];
  }
}

/** A layer (in * LANES) => (out * LANES), which always returns the same array. */
function dense(weights, bias) {
  const size = bias.length, inputs = weights.length / size, out = new Float64Array(size * LANES);
  const rows = weights.map((_, i) => weights[(i % inputs) * size + Math.floor(i / inputs)]);
  return (layer) => {
    for (let unit = 0, at = 0; unit < size; unit++) {
      let a = bias[unit], b = a, c = a, d = a;
      for (let from = 0; from < layer.length; from += LANES) {
        const w = rows[at++];
        a += w * layer[from];
        b += w * layer[from + 1];
        c += w * layer[from + 2];
        d += w * layer[from + 3];
      }
      const to = unit * LANES;
      [out[to], out[to + 1], out[to + 2], out[to + 3]] = [a, b, c, d];
    }
    return out;
  };
}
