// Images of two channels on a periodic grid: Fourier transform, spectral flow, Gray-Scott.

import { numbers } from "./arrays.js";

const plans = new Map(); // what is needed for a grid of a size, made once

/**
 * Discrete Fourier transform of n x n complex numbers, n a power of two, in place: the sums of
 * z e^(-2 pi i (k . x) / n); the inverse has the other sign and is divided by n^2, as numpy's.
 */
export function fft2(re, im, n, inverse = false) {
  if (n < 2 || n & (n - 1)) throw new Error(`a grid of ${n} has no fast transform; give a power of 2`);
  if (!plans.has(n)) plans.set(n, plan(n));
  const [a, b] = inverse ? [im, re] : [re, im]; // to exchange the two parts is to change the sign
  for (let i = 0; i < n; i++) transform(a, b, i * n, 1, n, plans.get(n));
  for (let j = 0; j < n; j++) transform(a, b, j, n, n, plans.get(n));
  if (!inverse) return;
  for (let i = 0; i < n * n; i++) {
    re[i] /= n * n;
    im[i] /= n * n;
  }
}

/** Of a place the one with its bits in reverse, and cosines and sines of the angles by which to turn. */
function plan(n) {
  const places = new Int32Array(n), angles = Array.from({ length: n / 2 }, (_, i) => (-2 * Math.PI * i) / n);
  for (let i = 1; i < n; i++) places[i] = (places[i >> 1] >> 1) + (i & 1) * (n / 2);
  const [lineRe, lineIm] = [0, 1].map(() => new Float64Array(n));
  return { places, cos: angles.map(Math.cos), sin: angles.map(Math.sin), lineRe, lineIm };
}

/** Cooley and Tukey's butterflies on one line of n numbers, from `start`, `stride` apart. */
function transform(re, im, start, stride, n, { places, cos, sin, lineRe, lineIm }) {
  for (let i = 0, at = start; i < n; i++, at += stride) {
    lineRe[places[i]] = re[at];
    lineIm[places[i]] = im[at];
  }
  for (let half = 1; half < n; half *= 2) {
    for (let i = 0; i < n; i++) {
      if (i & half) continue;
      const q = i + half, turn = ((i % half) * n) / (2 * half), c = cos[turn], s = sin[turn];
      const a = c * lineRe[q] - s * lineIm[q], b = c * lineIm[q] + s * lineRe[q];
      lineRe[q] = lineRe[i] - a;
      lineIm[q] = lineIm[i] - b;
      lineRe[i] += a;
      lineIm[i] += b;
    }
  }
  for (let i = 0, at = start; i < n; i++, at += stride) {
    re[at] = lineRe[i];
    im[at] = lineIm[i];
  }
}

/**
 * The motion dx = (c a J + eta) s dt + sqrt(2 eta) dW of a Gaussian field of two channels on n x n
 * pixels, J = [[0, 1], [-1, 0]], exact for any time: with E = exp(-t (c a J + eta) P) at every
 * frequency, x(t) - mu = E (x(0) - mu) + L z, L L^T = P^-1 - E P^-1 E^T.
 *
 * The precision P (n, n / 2 + 1, 2, 2) is symmetric, as is real a(k) (n, n / 2 + 1) in k; the mean
 * is (2).  `start(u, v)` takes a state, `advance(t, {speed: c, eta}, random)` moves it on, and
 * `read(u, v)` gives it.
 */
export function spectralFlow({ n, mean, precision, turning }) {
  const p = numbers(precision, "precision"), mu = numbers(mean, "mean"), size = n * n;
  const a = numbers(turning, "turning");
  if (p.length !== 4 * n * (n / 2 + 1) || 4 * a.length !== p.length) {
    throw new Error(`${p.length} and ${a.length} numbers are no matrices for a grid of ${n}`);
  }
  const [re, im, otherRe, otherIm] = [0, 1, 2, 3].map(() => new Float64Array(size));
  const decay = new Float64Array(p.length), spread = new Float64Array(p.length);
  let known = "";

  function start(u, v) {
    for (let i = 0; i < size; i++) {
      re[i] = u[i] - mu[0];
      im[i] = v[i] - mu[1];
    }
    fft2(re, im, n);
  }

  function advance(t, { speed = 1, eta = 0 } = {}, random = null) {
    if (known !== `${t} ${speed} ${eta}`) {
      for (let k = 0; k < a.length; k++) propagate(p, 4 * k, t * speed * a[k], t * eta, decay, spread);
      known = `${t} ${speed} ${eta}`;
    }
    multiply(decay, re, im, n);
    if (!(eta > 0)) return;
    for (let i = 0; i < size; i++) {
      otherRe[i] = n * random.normal();
      otherIm[i] = n * random.normal();
    }
    multiply(spread, otherRe, otherIm, n);
    for (let i = 0; i < size; i++) {
      re[i] += otherRe[i];
      im[i] += otherIm[i];
    }
  }

  function read(u, v) {
    otherRe.set(re);
    otherIm.set(im);
    fft2(otherRe, otherIm, n, true);
    for (let i = 0; i < size; i++) {
      u[i] = otherRe[i] + mu[0];
      v[i] = otherIm[i] + mu[1];
    }
  }

  return { n, start, advance, read };
}

/** E = exp(-(turn J + rest) P) of one frequency into decay, the root L of S - E S E^T into spread. */
function propagate(precision, at, turn, rest, decay, spread) {
  const [p, q, , r] = precision.subarray(at, at + 4), det = p * r - q * q;
  const half = (rest * (r - p)) / 2 - turn * q, b = -turn * r - rest * q, c = turn * p - rest * q;
  // With A - m = B of trace 0, B^2 = w^2: e^A = e^m (cosh w + B sinh w / w).
  const square = half * half + b * c, w = Math.sqrt(Math.abs(square)), size = Math.exp((-rest * (p + r)) / 2);
  const even = square < 0 ? Math.cos(w) : Math.cosh(w);
  const odd = w < 1e-8 ? 1 : (square < 0 ? Math.sin(w) : Math.sinh(w)) / w;
  const e = [even + odd * half, odd * b, odd * c, even - odd * half].map((each) => size * each);
  decay.set(e, at);
  if (!(rest > 0)) return;
  const s = [r / det, -q / det, p / det];
  const left = (i, j) => e[2 * i] * e[2 * j] * s[0] + e[2 * i + 1] * e[2 * j + 1] * s[2]
    + (e[2 * i] * e[2 * j + 1] + e[2 * i + 1] * e[2 * j]) * s[1];
  const [r0, r1, r2] = [s[0] - left(0, 0), s[1] - left(0, 1), s[2] - left(1, 1)];
  // The root of a 2 x 2 matrix R: (R + sqrt(det R)) / sqrt(tr R + 2 sqrt(det R)).
  const root = Math.sqrt(Math.max(0, r0 * r2 - r1 * r1));
  const scale = 1 / Math.sqrt(Math.max(1e-300, r0 + r2 + 2 * root));
  spread.set([r0 + root, r1, r1, r2 + root].map((each) => scale * each), at);
}

/**
 * Multiply the two channels' coefficients by a matrix at every frequency.  Both are in Z = U + i V,
 * the transform of u + i v: U(k) = (Z(k) + Z*(-k)) / 2 and V(k) = (Z(k) - Z*(-k)) / 2i.
 */
function multiply(matrix, re, im, n) {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= n / 2; j++) {
      const z = i * n + j, y = ((n - i) % n) * n + ((n - j) % n), m = 4 * (i * (n / 2 + 1) + j);
      if (z > y && (j === 0 || j === n / 2)) continue; // a pair that has been
      const u = (re[z] + re[y]) / 2, ui = (im[z] - im[y]) / 2;
      const v = (im[z] + im[y]) / 2, vi = (re[y] - re[z]) / 2;
      const a = matrix[m] * u + matrix[m + 1] * v, ai = matrix[m] * ui + matrix[m + 1] * vi;
      const b = matrix[m + 2] * u + matrix[m + 3] * v, bi = matrix[m + 2] * ui + matrix[m + 3] * vi;
      re[z] = a - bi;
      im[z] = ai + b;
      re[y] = a + bi;
      im[y] = b - ai;
    }
  }
}

/**
 * Steps of 1 of du/dt = Du lap u - u v^2 + F (1 - u), dv/dt = Dv lap v + u v^2 - (F + k) v on n x n
 * pixels, periodic, in place: Euler's method, the five-point Laplacian.
 */
export function grayScott({ F, k, Du = 0.16, Dv = 0.08 }, u, v, n, steps) {
  const nextU = new Float64Array(n * n), nextV = new Float64Array(n * n);
  for (let step = 0; step < steps; step++) {
    for (let i = 0, at = 0; i < n; i++) {
      const up = ((i + n - 1) % n) * n, down = ((i + 1) % n) * n;
      for (let j = 0; j < n; j++, at++) {
        const left = at + (j > 0 ? -1 : n - 1), right = at + (j < n - 1 ? 1 : 1 - n);
        const x = u[at], y = v[at], reaction = x * y * y;
        const aroundX = u[left] + u[right] + u[up + j] + u[down + j] - 4 * x;
        const aroundY = v[left] + v[right] + v[up + j] + v[down + j] - 4 * y;
        nextU[at] = x + Du * aroundX - reaction + F * (1 - x);
        nextV[at] = y + Dv * aroundY + reaction - (F + k) * y;
      }
    }
    u.set(nextU);
    v.set(nextV);
  }
}
