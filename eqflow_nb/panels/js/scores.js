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
  const e = new Float64Array(parts.logs.length);

  const scoreAt = (x, at, out) => pull(parts, e, exponents(parts, x, at, e), x, at, out);
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
      for (let i = 0; i < d; i++) out[at + i] = parts.means[3 * k + i];
      for (let j = 0; j < d; j++) {
        const noise = random.normal();
        for (let i = j; i < d; i++) out[at + i] += parts.roots[(k * d + i) * d + j] * noise;
      }
    }
    return out;
  }

  return { score, logDensity, sample };
}

/** The box of a mixture in the plane, and the side of a cell: a share of its narrowest component. */
function cells({ means, roots, whitening }) {
  const most = (array) => array.reduce((greatest, each) => Math.max(greatest, Math.abs(each)), 0);
  const wide = 4 * most(roots), ends = (pick, room) => [0, 1].map((i) => pick(...means.filter((_, at) => at % 3 === i)) + room);
  return [{ low: ends(Math.min, -wide), high: ends(Math.max, wide) }, 0.6 / most(whitening)];
}

/**
 * What the loops need of every component, in the plane with a third coordinate of 0: log of weight
 * and normalisation (M), mean (M, 3), and W (M, 6), the lower triangle with W^T W = (S + sigma^2 I)^-1,
 * row by row; the root (M, d, d) of the covariance, and the weights' running sum (M).
 */
function components(weights, means, covariances, d, sigma) {
  if (!(sigma >= 0 && sigma < Infinity)) throw new Error(`sigma is ${sigma}; it must be >= 0`);
  const w = numbers(weights, "weights"), m = w.length, given = numbers(means, "means");
  const spread = covariances === null ? new Float64Array(m * d * d) : numbers(covariances, "covariances");
  if (!m || given.length !== m * d || spread.length !== m * d * d) {
    throw new Error(`${m} weights, ${given.length} means and ${spread.length} covariances do not fit d = ${d}`);
  }
  const total = w.reduce((a, b) => a + b, 0);
  const [logs, shares] = [0, 1].map(() => new Float64Array(m));
  const mu = new Float64Array(3 * m), whitening = new Float64Array(6 * m), roots = new Float64Array(m * d * d);
  for (let k = 0; k < m; k++) {
    if (!(w[k] > 0)) throw new Error(`weight ${k} is ${w[k]}; it must be > 0`);
    const matrix = spread.subarray(k * d * d, (k + 1) * d * d);
    for (let i = 0; i < d; i++) matrix[i * d + i] += sigma * sigma;
    const root = cholesky(matrix, d, k);
    mu.set(given.subarray(k * d, (k + 1) * d), 3 * k);
    whitening.set(inverse(root, d), 6 * k);
    roots.set(root, k * d * d);
    logs[k] = Math.log(w[k] / total) - (d / 2) * Math.log(2 * Math.PI);
    for (let i = 0; i < d; i++) logs[k] -= Math.log(root[i * d + i]);
    shares[k] = w[k] / total + (k ? shares[k - 1] : 0);
  }
  return { d, logs, means: mu, whitening, roots, shares };
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

/** The lower triangle of L^-1, row by row without zeros, by forward substitution. */
function inverse(root, d) {
  const out = [];
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? 1 : 0;
      for (let l = j; l < i; l++) sum -= root[i * d + l] * out[(l * (l + 1)) / 2 + j];
      out.push(sum / root[i * d + i]);
    }
  }
  return out;
}

/** log(w_k N_k(x)) of every component into e (M); returns the largest. */
function exponents({ d, logs, means, whitening }, x, at, e) {
  const x0 = x[at], x1 = x[at + 1], x2 = d === 3 ? x[at + 2] : 0;
  let top = -Infinity;
  for (let k = 0, i = 0, w = 0; k < e.length; k++, i += 3, w += 6) {
    const a = means[i] - x0, b = means[i + 1] - x1, c = means[i + 2] - x2;
    const p = whitening[w] * a, q = whitening[w + 1] * a + whitening[w + 2] * b;
    const r = whitening[w + 3] * a + whitening[w + 4] * b + whitening[w + 5] * c;
    const value = logs[k] - (p * p + q * q + r * r) / 2;
    e[k] = value;
    if (value > top) top = value;
  }
  return top;
}

/** The score at one state, from the components' exponents. */
function pull({ d, means, whitening }, e, top, x, at, out) {
  const x0 = x[at], x1 = x[at + 1], x2 = d === 3 ? x[at + 2] : 0;
  let sum = 0, s0 = 0, s1 = 0, s2 = 0;
  for (let k = 0, i = 0, w = 0; k < e.length; k++, i += 3, w += 6) {
    if (top - e[k] > NEGLIGIBLE) continue;
    const a = means[i] - x0, b = means[i + 1] - x1, c = means[i + 2] - x2;
    const share = expMinus(top - e[k]), p = share * whitening[w] * a;
    const q = share * (whitening[w + 1] * a + whitening[w + 2] * b);
    const r = share * (whitening[w + 3] * a + whitening[w + 4] * b + whitening[w + 5] * c);
    sum += share;
    s0 += whitening[w] * p + whitening[w + 1] * q + whitening[w + 3] * r;
    s1 += whitening[w + 2] * q + whitening[w + 4] * r;
    s2 += whitening[w + 5] * r;
  }
  out[at] = s0 / sum;
  out[at + 1] = s1 / sum;
  if (d === 3) out[at + 2] = s2 / sum;
}
