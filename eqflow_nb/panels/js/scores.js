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
export function mixture(given, d, sigma) {
  const parts = components(given, d, sigma), { logs, means, roots } = parts, noise = [0, 0, 0];

  const scoreAt = (x, at, out) => pull(parts, x, at, out);
  const everywhere = (x, out) => {
    for (let at = 0; at < x.length; at += d) scoreAt(x, at, out);
  };
  const exact = (d === 2 && scoreOfAlike(parts, scoreAt)) || everywhere;
  const score = d === 2 && logs.length > LITTLE ? interpolated(exact, ...cells(parts)) : exact;

  function logDensity(x, out) {
    const slope = new Float64Array(x.length);
    for (let i = 0; i < out.length; i++) out[i] = pull(parts, x, d * i, slope);
  }

  function sample(n, random, out = new Float64Array(n * d)) {
    for (let at = 0; at < n * d; at += d) {
      const share = random.uniform(), k = Math.max(0, parts.shares.findIndex((upTo) => upTo >= share));
      for (let i = 0, w = 6 * k; i < d; i++) {
        noise[i] = random.normal();
        out[at + i] = means[3 * k + i];
        for (let j = 0; j <= i; j++) out[at + i] += roots[w++] * noise[j];
      }
    }
    return out;
  }

  return { score, logDensity, sample };
}

/** How far the components of a mixture in the plane reach, and the side of a cell for their score. */
function cells({ means, roots, whitening }) {
  const most = (array) => array.reduce((greatest, each) => Math.max(greatest, Math.abs(each)), 0);
  const [wide, steep] = [roots, whitening].map((each) => most(each.filter((_, i) => i % 6 < 3)));
  return [most(means) + 4 * wide, 0.6 / steep];
}

/**
 * What the loops need of every component, in the plane with a third coordinate of 0: log of weight
 * and normalisation (M), mean (M, 3), the root L (M, 6) of its covariance, L L^T = S + sigma^2 I,
 * and W = L^-1 (M, 6), both lower triangles row by row; and the weights' running sum (M).
 */
function components({ weights, means, covariances = null }, d, sigma) {
  if (!(sigma >= 0 && sigma < Infinity)) throw new Error(`sigma is ${sigma}; it must be >= 0`);
  const w = numbers(weights, "weights"), m = w.length, given = numbers(means, "means");
  const spread = covariances === null ? new Float64Array(m * d * d) : numbers(covariances, "covariances");
  if (!m || given.length !== m * d || spread.length !== m * d * d) {
    throw new Error(`${m} weights, ${given.length} means and ${spread.length} covariances do not fit d = ${d}`);
  }
  const total = w.reduce((a, b) => a + b, 0), [logs, shares] = [0, 1].map(() => new Float64Array(m));
  const mu = new Float64Array(3 * m), [roots, whitening] = [0, 1].map(() => new Float64Array(6 * m));
  for (let k = 0; k < m; k++) {
    if (!(w[k] > 0)) throw new Error(`weight ${k} is ${w[k]}; it must be > 0`);
    const s = (i, j) => (i < d ? spread[(k * d + i) * d + j] + (i === j ? sigma ** 2 : 0) : Number(i === j));
    const a = Math.sqrt(s(0, 0)), b = s(1, 0) / a, c = Math.sqrt(s(1, 1) - b * b);
    const p = s(2, 0) / a, q = (s(2, 1) - b * p) / c, r = Math.sqrt(s(2, 2) - p * p - q * q);
    if (!(a * c * r > 0)) {
      throw new Error(`component ${k} has no width: give a sigma > 0, or a positive definite covariance`);
    }
    roots.set([a, b, c, p, q, r], 6 * k);
    whitening.set([1 / a, -b / (a * c), 1 / c, (b * q - c * p) / (a * c * r), -q / (c * r), 1 / r], 6 * k);
    mu.set(given.subarray(k * d, (k + 1) * d), 3 * k);
    logs[k] = Math.log(w[k] / total / (a * c * r)) - (d / 2) * Math.log(2 * Math.PI);
    shares[k] = w[k] / total + (k ? shares[k - 1] : 0);
  }
  return { d, logs, means: mu, roots, whitening, shares };
}

/** The score at one state; returns log p there. */
function pull({ d, logs, means, whitening }, x, at, out) {
  const x0 = x[at], x1 = x[at + 1], x2 = d === 3 ? x[at + 2] : 0;
  let top = -Infinity, sum = 0, s0 = 0, s1 = 0, s2 = 0; // sums over e^top, the likeliest so far
  for (let k = 0, i = 0, w = 0; k < logs.length; k++, i += 3, w += 6) {
    const a = means[i] - x0, b = means[i + 1] - x1, c = means[i + 2] - x2;
    const p = whitening[w] * a, q = whitening[w + 1] * a + whitening[w + 2] * b;
    const r = whitening[w + 3] * a + whitening[w + 4] * b + whitening[w + 5] * c;
    const log = logs[k] - (p * p + q * q + r * r) / 2;
    if (top - log > NEGLIGIBLE) continue;
    if (log > top) {
      const fade = expMinus(log - top);
      sum *= fade;
      s0 *= fade;
      s1 *= fade;
      s2 *= fade;
      top = log;
    }
    const share = expMinus(top - log);
    sum += share;
    s0 += share * (whitening[w] * p + whitening[w + 1] * q + whitening[w + 3] * r);
    s1 += share * (whitening[w + 2] * q + whitening[w + 4] * r);
    s2 += share * whitening[w + 5] * r;
  }
  out[at] = s0 / sum;
  out[at + 1] = s1 / sum;
  if (d === 3) out[at + 2] = s2 / sum;
  return top + Math.log(sum);
}
