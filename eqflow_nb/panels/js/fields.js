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
  return { places, cos: angles.map(Math.cos), sin: angles.map(Math.sin), lineRe: new Float64Array(n), lineIm: new Float64Array(n) };
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
 * The motion dx = (c K + eta) * s dt + sqrt(2 eta) dW of a Gaussian field of two channels on n x n
 * pixels, exact for any time: with S = P^-1 and E = exp(-t (c K + eta) P) at every frequency,
 * x(t) - mu = E (x(0) - mu) + L z, L L^T = S - E S E^T.
 *
 * The precision P and the symbol K, real, are (n, n / 2 + 1, 2, 2), the mean is (2).  Without a
 * symbol K(k) = a(k) J with a(k) = sqrt(det S(k)), at most 1, which turns every wavelength at the
 * same rate.  `start(u, v)` takes a state, `advance(t, {speed, eta}, random)` moves it on, and
 * `read(u, v)` gives it.
 */
export function spectralFlow({ n, mean, precision, symbol = null }) {
  const p = numbers(precision, "precision"), mu = numbers(mean, "mean"), size = n * n;
  const k = symbol === null ? equalRate(p) : numbers(symbol, "symbol");
  if (p.length !== 4 * n * (n / 2 + 1) || k.length !== p.length) {
    throw new Error(`${p.length} and ${k.length} numbers are no matrices for a grid of ${n}`);
  }
  const [re, im, shownRe, shownIm, noiseRe, noiseIm] = Array.from({ length: 6 }, () => new Float64Array(size));
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
      for (let at = 0; at < p.length; at += 4) propagate(p, k, at, t, speed, eta, decay, spread);
      known = `${t} ${speed} ${eta}`;
    }
    multiply(decay, re, im, n);
    if (!(eta > 0)) return;
    for (let i = 0; i < size; i++) {
      noiseRe[i] = n * random.normal();
      noiseIm[i] = n * random.normal();
    }
    multiply(spread, noiseRe, noiseIm, n);
    for (let i = 0; i < size; i++) {
      re[i] += noiseRe[i];
      im[i] += noiseIm[i];
    }
  }

  function read(u, v) {
    shownRe.set(re);
    shownIm.set(im);
    fft2(shownRe, shownIm, n, true);
    for (let i = 0; i < size; i++) {
      u[i] = shownRe[i] + mu[0];
      v[i] = shownIm[i] + mu[1];
    }
  }

  return { n, start, advance, read };
}

function equalRate(p) {
  const out = new Float64Array(p.length);
  let most = 0;
  for (let at = 0; at < p.length; at += 4) {
    out[at + 1] = 1 / Math.sqrt(p[at] * p[at + 3] - p[at + 1] * p[at + 2]);
    most = Math.max(most, out[at + 1]);
  }
  for (let at = 0; at < p.length; at += 4) out[at + 2] = -(out[at + 1] /= most);
  return out;
}

/** E = exp(-t (c K + eta) P) of one frequency into decay, the root L of S - E S E^T into spread. */
function propagate(p, k, at, t, speed, eta, decay, spread) {
  const p0 = p[at], p1 = p[at + 1], p2 = p[at + 2], p3 = p[at + 3];
  const k0 = speed * k[at] + eta, k1 = speed * k[at + 1], k2 = speed * k[at + 2], k3 = speed * k[at + 3] + eta;
  const a = -t * (k0 * p0 + k1 * p2), b = -t * (k0 * p1 + k1 * p3);
  const c = -t * (k2 * p0 + k3 * p2), d = -t * (k2 * p1 + k3 * p3);
  // With A - m = B of trace 0, B^2 = q: e^A = e^m (cosh sqrt(q) + B sinh sqrt(q) / sqrt(q)).
  const m = (a + d) / 2, half = (a - d) / 2, q = half * half + b * c, w = Math.sqrt(Math.abs(q));
  const even = q < 0 ? Math.cos(w) : Math.cosh(w);
  const odd = w < 1e-8 ? 1 : (q < 0 ? Math.sin(w) : Math.sinh(w)) / w, size = Math.exp(m);
  const e0 = size * (even + odd * half), e1 = size * odd * b, e2 = size * odd * c, e3 = size * (even - odd * half);
  decay[at] = e0;
  decay[at + 1] = e1;
  decay[at + 2] = e2;
  decay[at + 3] = e3;
  if (!(eta > 0)) return;
  const det = p0 * p3 - p1 * p2, s0 = p3 / det, s1 = -(p1 + p2) / 2 / det, s3 = p0 / det;
  const r0 = s0 - (e0 * e0 * s0 + 2 * e0 * e1 * s1 + e1 * e1 * s3);
  const r1 = s1 - (e0 * e2 * s0 + (e0 * e3 + e1 * e2) * s1 + e1 * e3 * s3);
  const r3 = s3 - (e2 * e2 * s0 + 2 * e2 * e3 * s1 + e3 * e3 * s3);
  // The root of a 2 x 2 matrix R: (R + sqrt(det R)) / sqrt(tr R + 2 sqrt(det R)).
  const root = Math.sqrt(Math.max(0, r0 * r3 - r1 * r1));
  const scale = 1 / Math.sqrt(Math.max(1e-300, r0 + r3 + 2 * root));
  spread[at] = scale * (r0 + root);
  spread[at + 1] = spread[at + 2] = scale * r1;
  spread[at + 3] = scale * (r3 + root);
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
 * pixels, periodic, in place: Euler's method, the five-point Laplacian, a grid spacing of 1.
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
