// A trained network as a velocity field.

import { numbers } from "./arrays.js";
import { expMinus } from "./exponential.js";

const LANES = 4; // states side by side in the network: each weight is read once for all of them

/** The hidden units' bends, in place.  Without a case for each sign, which would be slow to guess. */
const BENDS = {
  tanh(h) {
    for (let i = 0; i < h.length; i++) {
      const e = rising(2 * h[i]);
      h[i] = (e - ONE) / (e + ONE);
    }
  },
  silu(h) {
    for (let i = 0; i < h.length; i++) {
      const e = rising(h[i]);
      h[i] *= e / (e + ONE);
    }
  },
};
const ONE = Math.exp(-30);

/** e^(z - 30), held constant where |z| > 30 and nothing depends on it. */
function rising(z) {
  return expMinus(Math.min(Math.max(30 - z, 0), 60));
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
  // Coordinate i of lane l lies at i * LANES + l; with a symmetry, odd lanes hold mirror images.
  const copies = signs === null ? 1 : 2, inputs = new Float64Array(width * LANES);
  const side = Float64Array.from({ length: d * LANES }, (_, at) => (copies === 2 && at % 2 ? signs[at >> 2] : 1));

  function gather(x, first) {
    for (let lane = 0; lane < LANES; lane++) {
      const from = Math.min(x.length - d, d * (first + Math.floor(lane / copies)));
      for (let i = 0, at = lane; i < d; i++, at += LANES) features(side[at] * x[from + i], at, d * LANES, inputs);
    }
  }

  function scatter(layer, first, out) {
    for (let lane = 0; lane < LANES; lane++) {
      const to = d * (first + Math.floor(lane / copies));
      if (to >= out.length) return;
      for (let i = 0, at = lane; i < d; i++, at += LANES) out[to + i] += (speed / copies) * side[at] * layer[at];
    }
  }

  return (x, out) => {
    out.fill(0);
    for (let first = 0; first < x.length / d; first += LANES / copies) {
      gather(x, first);
      let layer = stack[0](inputs);
      for (let l = 1; l < stack.length; l++) {
        bend(layer);
        layer = stack[l](layer);
      }
      scatter(layer, first, out);
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
    const twice = 2 * sin * cos;
    cos = cos * cos - sin * sin;
    sin = twice;
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
      out[unit * LANES] = a;
      out[unit * LANES + 1] = b;
      out[unit * LANES + 2] = c;
      out[unit * LANES + 3] = d;
    }
    return out;
  };
}
