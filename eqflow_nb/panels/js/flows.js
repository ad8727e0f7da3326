// Velocity fields that keep a distribution, and Lorenz' own.  A field is a function (x, out).

import { numbers } from "./arrays.js";

/** v = K s for any constant matrix K, rows [[...], ...]; skew, it keeps p.  Add eta on the diagonal. */
export function linear(matrix, score) {
  const d = matrix.length, k = numbers(matrix, "the matrix K"), s = new Float64Array(d);
  if (k.length !== d * d) throw new Error(`K has ${d} rows and ${k.length} entries; it must be square`);
  return (x, out) => {
    score(x, out);
    for (let at = 0; at < x.length; at += d) {
      for (let i = 0; i < d; i++) s[i] = out[at + i];
      for (let i = 0; i < d; i++) {
        let sum = 0;
        for (let j = 0; j < d; j++) sum += k[i * d + j] * s[j];
        out[at + i] = sum;
      }
    }
  };
}

/** c v(x): the same flow at another speed. */
export function scaled(field, c) {
  return (x, out) => {
    field(x, out);
    for (let i = 0; i < out.length; i++) out[i] *= c;
  };
}

/** The same flow at an rms speed over states x (n * d); one that rests stays so. */
export function atSpeed(field, speed, x, d) {
  const now = rmsSpeed(field, x, d);
  return scaled(field, now > 1e-9 ? speed / now : 0);
}

/** Root of the mean of |v|^2 over states x (n * d). */
export function rmsSpeed(field, x, d) {
  const v = new Float64Array(x.length);
  field(x, v);
  return Math.sqrt(v.reduce((sum, each) => sum + each * each, 0) / (x.length / d));
}

/**
 * The stream function c + b . x + x . A x / 2 in the plane.  A stream function is a function
 * psi(x, value, slope) of states x (n * 2), which fills value (n) and slope (n * 2), its gradient.
 */
export function quadratic({ c = 0, b = [0, 0], a = [[0, 0], [0, 0]] }) {
  const [b0, b1] = numbers(b, "b"), [a00, a01, a10, a11] = numbers(a, "A");
  return (x, value, slope) => {
    for (let i = 0, at = 0; i < value.length; i++, at += 2) {
      const p = x[at], q = x[at + 1], s = a00 * p + a10 * q, t = a01 * p + a11 * q;
      value[i] = c + (b0 + s / 2) * p + (b1 + t / 2) * q;
      slope[at] = b0 + s;
      slope[at + 1] = b1 + t;
    }
  };
}

/**
 * A smooth random potential, sum over k of a_k cos(w_k . x + phase_k): waves (d, terms), phases
 * (terms), weights (terms, outputs).  With one output it is a stream function; with three, value is
 * (n * 3) and slope (n * 3 * d), the gradient of each.
 */
export function waves({ waves: w, phases, weights, d = 2 }) {
  const k = numbers(w, "waves"), shift = numbers(phases, "phases"), a = numbers(weights, "weights");
  const terms = shift.length, outputs = a.length / terms;
  return (x, value, slope) => {
    value.fill(0);
    slope.fill(0);
    for (let i = 0; i < x.length / d; i++) {
      for (let t = 0; t < terms; t++) {
        let angle = shift[t];
        for (let j = 0; j < d; j++) angle += k[j * terms + t] * x[i * d + j];
        const cos = Math.cos(angle), sin = Math.sin(angle);
        for (let o = 0; o < outputs; o++) {
          const weight = a[t * outputs + o], at = i * outputs + o;
          value[at] += weight * cos;
          for (let j = 0; j < d; j++) slope[at * d + j] -= weight * sin * k[j * terms + t];
        }
      }
    }
  };
}

/**
 * Every flow in the plane that keeps p: v = J (grad psi + psi s), J = [[0, 1], [-1, 0]].  No
 * residual: p v = J grad(p psi) is a curl.  Here 1 - share + share * psi is in place of psi: constant
 * skew at 0, psi alone at 1.
 */
export function stream(psi, score, share = 1) {
  let value = new Float64Array(0), slope = value;
  return (x, out) => {
    const n = x.length / 2;
    if (value.length !== n) [value, slope] = [new Float64Array(n), new Float64Array(2 * n)];
    psi(x, value, slope);
    score(x, out);
    for (let i = 0, at = 0; i < n; i++, at += 2) {
      const w = 1 - share + share * value[i];
      const a = share * slope[at] + w * out[at], b = share * slope[at + 1] + w * out[at + 1];
      out[at] = b;
      out[at + 1] = -a;
    }
  };
}

/**
 * Every flow in space that keeps p: v = curl a + s x a, for a potential of three outputs, since
 * p v = curl(p a).
 */
export function curl(potential, score) {
  let a = new Float64Array(0), da = a;
  return (x, out) => {
    if (a.length !== x.length) [a, da] = [new Float64Array(x.length), new Float64Array(3 * x.length)];
    potential(x, a, da);
    score(x, out);
    for (let at = 0, g = 0; at < x.length; at += 3, g += 9) {
      const [p, q, r] = [a[at], a[at + 1], a[at + 2]], [s, t, w] = [out[at], out[at + 1], out[at + 2]];
      out[at] = da[g + 7] - da[g + 5] + t * r - w * q;
      out[at + 1] = da[g + 2] - da[g + 6] + w * p - s * r;
      out[at + 2] = da[g + 3] - da[g + 1] + s * q - t * p;
    }
  };
}

/** Lorenz' equations with 10, 28, 8/3 in display units, x = (raw - centre) / scale, a unit of time each. */
export function lorenzField({ centre, scale }) {
  const c = numbers(centre, "centre"), w = numbers(scale, "scale");
  return (x, out) => {
    for (let at = 0; at < x.length; at += 3) {
      const a = c[0] + w[0] * x[at], b = c[1] + w[1] * x[at + 1], z = c[2] + w[2] * x[at + 2];
      out[at] = (10 * (b - a)) / w[0];
      out[at + 1] = (a * (28 - z) - b) / w[1];
      out[at + 2] = (a * b - (8 / 3) * z) / w[2];
    }
  };
}
