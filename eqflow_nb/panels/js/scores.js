// Gaussian mixtures, blurred: their score, density and samples in closed form.

import { scoreOfAlike } from "./alike.js";
import { numbers } from "./arrays.js";
import { expMinus } from "./exponential.js";
import { interpolated } from "./interpolation.js";

const NEGLIGIBLE = 20; // a component e^-20 times as likely as the likeliest is left out
const LITTLE = 16; // components up to which nothing is faster than the sum itself

/**
 * A Gaussian mixture blurred by sigma, in closed form: p(x) = sum_k w_k N(x; mu_k, S_k + sigma^2 I),
 * score s(x) = sum_k r_k(x) (S_k + sigma^2 I)^-1 (mu_k - x), r_k(x) the chance that x came from k.
 * Weights (M) need no sum, means are (M, d), covariances S (M, d, d), or null for a cloud of dots;
 * d is 2 or 3.  States x (n * d) lie one after the other.  `score(x, out)` fills out (n * d),
 * `logDensity(x, out)` fills out (n), `sample(n, random)` draws n states.
 *
 * In the plane the score is exact at first, and where states keep coming interpolated, to 1e-6.
 */
export function mixture({ weights, means, covariances = null }, d, sigma) {
  if (d !== 2 && d !== 3) throw new Error(`a mixture is drawn in 2 or 3 dimensions, not in ${d}`);
  const parts = components(weights, means, covariances, d, sigma);
  const [exponents, pull] = d === 2 ? [exponents2, pull2] : [exponents3, pull3];
  const e = new Float64Array(parts.logs.length), kept = new Int32Array(e.length);

  const scoreAt = (x, at, out) => {
    const top = exponents(parts, x, at, e);
    pull(parts, e, top, kept, likely(e, top - NEGLIGIBLE, kept), x, at, out);
  };
  const everywhere = (x, out) => {
    for (let at = 0; at < x.length; at += d) scoreAt(x, at, out);
  };
  const exact = (d === 2 && scoreOfAlike(parts, scoreAt)) || everywhere;
  const score = d === 2 && e.length > LITTLE ? interpolated(exact, ...cells(parts)) : exact;

  function logDensity(x, out) {
    for (let i = 0; i < out.length; i++) {
      const top = exponents(parts, x, d * i, e);
      let sum = 0;
      for (let k = 0; k < e.length; k++) sum += expMinus(top - e[k]);
      out[i] = top + Math.log(sum);
    }
  }

  function sample(n, random, out = new Float64Array(n * d)) {
    for (let at = 0; at < n * d; at += d) {
      const share = random.uniform();
      const k = Math.max(0, parts.shares.findIndex((upTo) => upTo >= share));
      for (let i = 0; i < d; i++) out[at + i] = parts.means[d * k + i];
      for (let j = 0; j < d; j++) {
        const noise = random.normal();
        for (let i = j; i < d; i++) out[at + i] += parts.roots[(k * d + i) * d + j] * noise;
      }
    }
    return out;
  }

  return { d, score, logDensity, sample };
}

/** The box of a mixture in the plane, and the side of a cell: a share of its narrowest component. */
function cells({ means, precisions, roots }) {
  const wide = 4 * roots.reduce((most, each) => Math.max(most, each), 0);
  const steep = precisions.reduce((most, each, i) => (i % 3 === 1 ? most : Math.max(most, 2 * each)), 0);
  const ends = (pick, room) => [0, 1].map((i) => pick(...means.filter((_, at) => at % 2 === i)) + room);
  return [{ low: ends(Math.min, -wide), high: ends(Math.max, wide) }, 0.6 / Math.sqrt(steep)];
}

/**
 * What the loops need of every component: log of weight and normalisation (M), mean (M, d), the
 * precision's upper triangle (M, d (d + 1) / 2) with its diagonal halved, the covariance's Cholesky
 * root (M, d, d), and the weights' running sum (M).
 */
function components(weights, means, covariances, d, sigma) {
  if (!(sigma >= 0 && sigma < Infinity)) throw new Error(`sigma is ${sigma}; it must be >= 0`);
  const w = numbers(weights, "weights"), m = w.length, mu = numbers(means, "means");
  const spread = covariances === null ? new Float64Array(m * d * d) : numbers(covariances, "covariances");
  if (!m || mu.length !== m * d || spread.length !== m * d * d) {
    throw new Error(`${m} weights, ${mu.length} means and ${spread.length} covariances do not fit d = ${d}`);
  }
  const total = w.reduce((a, b) => a + b, 0);
  const side = (d * (d + 1)) / 2;
  const logs = new Float64Array(m), precisions = new Float64Array(m * side);
  const roots = new Float64Array(m * d * d), shares = new Float64Array(m);
  for (let k = 0; k < m; k++) {
    if (!(w[k] > 0)) throw new Error(`weight ${k} is ${w[k]}; it must be > 0`);
    const matrix = spread.subarray(k * d * d, (k + 1) * d * d);
    for (let i = 0; i < d; i++) matrix[i * d + i] += sigma * sigma;
    const root = cholesky(matrix, d, k);
    const precision = inverse(root, d);
    roots.set(root, k * d * d);
    logs[k] = Math.log(w[k] / total) - (d / 2) * Math.log(2 * Math.PI);
    for (let i = 0, at = k * side; i < d; i++) {
      logs[k] -= Math.log(root[i * d + i]);
      for (let j = i; j < d; j++) precisions[at++] = precision[i * d + j] / (i === j ? 2 : 1);
    }
    shares[k] = w[k] / total + (k ? shares[k - 1] : 0);
  }
  return { logs, means: mu, precisions, roots, shares };
}

/** The lower triangle L (d, d) with L L^T = S; k is only for the message. */
function cholesky(matrix, d, k) {
  const root = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let left = matrix[i * d + j];
      for (let l = 0; l < j; l++) left -= root[i * d + l] * root[j * d + l];
      if (i === j && !(left > 0)) {
        throw new Error(`component ${k} has no width: give a sigma > 0, or a positive definite covariance`);
      }
      root[i * d + j] = i === j ? Math.sqrt(left) : left / root[j * d + j];
    }
  }
  return root;
}

/** (L L^T)^-1 (d, d), column by column: forward, then backward substitution. */
function inverse(root, d) {
  const out = new Float64Array(d * d), z = new Float64Array(d);
  for (let column = 0; column < d; column++) {
    for (let i = 0; i < d; i++) {
      z[i] = i === column ? 1 : 0;
      for (let j = 0; j < i; j++) z[i] -= root[i * d + j] * z[j];
      z[i] /= root[i * d + i];
    }
    for (let i = d - 1; i >= 0; i--) {
      for (let j = i + 1; j < d; j++) z[i] -= root[j * d + i] * z[j];
      z[i] /= root[i * d + i];
      out[i * d + column] = z[i];
    }
  }
  return out;
}

/** The numbers of the components whose exponent is over `least` into `kept`; how many they are. */
function likely(e, least, kept) {
  let count = 0;
  for (let k = 0; k < e.length; k++) {
    kept[count] = k;
    count += (e[k] > least) | 0; // a branch here would be guessed wrongly, and take twice as long
  }
  return count;
}

/** log(w_k N_k(x)) of every component into e (M), in the plane; returns the largest. */
function exponents2({ logs, means, precisions }, x, at, e) {
  const x0 = x[at], x1 = x[at + 1];
  let top = -Infinity;
  for (let k = 0, i = 0, p = 0; k < e.length; k++, i += 2, p += 3) {
    const a = means[i] - x0, b = means[i + 1] - x1;
    const value = logs[k] - a * (precisions[p] * a + precisions[p + 1] * b) - b * b * precisions[p + 2];
    e[k] = value;
    if (value > top) top = value;
  }
  return top;
}

/** The score at one state in the plane, from the exponents of the components that are kept. */
function pull2({ means, precisions }, e, top, kept, count, x, at, out) {
  const x0 = x[at], x1 = x[at + 1];
  let sum = 0, s0 = 0, s1 = 0;
  for (let l = 0; l < count; l++) {
    const k = kept[l], p = 3 * k, r = expMinus(top - e[k]);
    const a = means[2 * k] - x0, b = means[2 * k + 1] - x1;
    sum += r;
    s0 += r * (2 * precisions[p] * a + precisions[p + 1] * b);
    s1 += r * (precisions[p + 1] * a + 2 * precisions[p + 2] * b);
  }
  out[at] = s0 / sum;
  out[at + 1] = s1 / sum;
}

/** log(w_k N_k(x)) of every component into e (M), in space; returns the largest. */
function exponents3({ logs, means, precisions }, x, at, e) {
  const x0 = x[at], x1 = x[at + 1], x2 = x[at + 2];
  let top = -Infinity;
  for (let k = 0, i = 0, p = 0; k < e.length; k++, i += 3, p += 6) {
    const a = means[i] - x0, b = means[i + 1] - x1, c = means[i + 2] - x2;
    const value = logs[k] - a * (precisions[p] * a + precisions[p + 1] * b + precisions[p + 2] * c)
      - b * (precisions[p + 3] * b + precisions[p + 4] * c) - c * c * precisions[p + 5];
    e[k] = value;
    if (value > top) top = value;
  }
  return top;
}

/** The score at one state in space, from the exponents of the components that are kept. */
function pull3({ means, precisions }, e, top, kept, count, x, at, out) {
  const x0 = x[at], x1 = x[at + 1], x2 = x[at + 2];
  let sum = 0, s0 = 0, s1 = 0, s2 = 0;
  for (let l = 0; l < count; l++) {
    const k = kept[l], p = 6 * k, r = expMinus(top - e[k]);
    const a = means[3 * k] - x0, b = means[3 * k + 1] - x1, c = means[3 * k + 2] - x2;
    sum += r;
    s0 += r * (2 * precisions[p] * a + precisions[p + 1] * b + precisions[p + 2] * c);
    s1 += r * (precisions[p + 1] * a + 2 * precisions[p + 3] * b + precisions[p + 4] * c);
    s2 += r * (precisions[p + 2] * a + precisions[p + 4] * b + 2 * precisions[p + 5] * c);
  }
  out[at] = s0 / sum;
  out[at + 1] = s1 / sum;
  out[at + 2] = s2 / sum;
}
