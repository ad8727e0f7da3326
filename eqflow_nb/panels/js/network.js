// A trained network as a velocity field.

import { numbers } from "./arrays.js";
import { expMinus } from "./exponential.js";

const LANES = 4; // states side by side in the network: each weight is read once for all of them

/**
 * The velocity v(x) of a trained network, that of `FlowNetworks` in Python: layers of weights
 * (in, out) and bias (out), tanh between them, the last one linear, times `speed`.  Octaves add sin
 * and cos of 2^k x to the inputs; with signs (d), a symmetry S x = signs * x, it is averaged to
 * (f(x) + S f(S x)) / 2.
 */
export function network({ layers, octaves = 0, signs = null, speed = 1 }) {
  const stack = layers.map(({ weights, bias }, i) => (
    dense(numbers(weights, "weights"), numbers(bias, "bias"), i < layers.length - 1)));
  const d = layers.at(-1).bias.length, width = d * (1 + 2 * octaves), same = Array(d).fill(1);
  if (layers[0].weights.length !== width * layers[0].bias.length) {
    throw new Error(`the first layer does not read the ${width} inputs that ${octaves} octaves make`);
  }
  const inputs = new Float64Array(width * LANES), mirrors = signs ? [same, signs] : [same];

  return (x, out) => {
    out.fill(0);
    for (let first = 0; first < x.length; first += d * LANES) {
      const end = Math.min(x.length, first + d * LANES);
      for (const mirror of mirrors) {
        for (let at = first; at < end; at++) features(mirror[at % d] * x[at], lane(at - first, d), d, inputs);
        const layer = stack.reduce((values, next) => next(values), inputs);
        for (let at = first; at < end; at++) {
          out[at] += (speed / mirrors.length) * mirror[at % d] * layer[lane(at - first, d)];
        }
      }
    }
  };
}

/** Where number `at` of states that lie one after the other lies with LANES of them side by side. */
function lane(at, d) {
  return (at % d) * LANES + Math.floor(at / d);
}

/** x, and sin and cos of 2^k x by doubling the angle, from a place among the inputs. */
function features(x, at, d, inputs) {
  inputs[at] = x;
  let sin = Math.sin(x), cos = Math.cos(x);
  for (let place = at + d * LANES; place < inputs.length; place += 2 * d * LANES) {
    inputs[place] = sin;
    inputs[place + d * LANES] = cos;
    [sin, cos] = [2 * sin * cos, cos * cos - sin * sin];
  }
}

/** A layer (in * LANES) => (out * LANES), which always returns the same array. */
function dense(weights, bias, bends) {
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
    for (let i = 0; bends && i < out.length; i++) out[i] = tanh(out[i]);
    return out;
  };
}

/** Without a case for each sign, which would be slow to guess. */
function tanh(h) {
  const e = expMinus(2 * Math.abs(h));
  return (Math.sign(h) * (1 - e)) / (1 + e);
}
