// Creatures with a place and a heading on a periodic square: the score of a pair law of their
// sheets, and ways of life that keep it.  A state q holds x (right), y (up) and heading, in radians
// anticlockwise from x, of one creature after the other.

import { numbers } from "./arrays.js";

const SMOOTH = 0.3; // |S| below which a group's heading is not trusted
const CORE = 1e-6; // pixels: as near as two creatures count

/**
 * Creatures' headings, as `cos` and `sin`, and pairs of them nearer than `reach`, found by cells:
 * linear in the number of creatures.
 */
export class Neighbours {
  constructor(size, reach) {
    if (!(reach > 0 && reach <= size / 2)) {
      throw new RangeError(`reach is ${reach}; on a square of ${size} it must be from 0 to ${size / 2}`);
    }
    Object.assign(this, { size, reach, cells: Math.floor(size / reach), count: 0 });
    if (this.cells < 3) this.cells = 1; // then a cell would be its neighbour on both sides
    this.heads = new Int32Array(this.cells ** 2);
    [this.next, this.r] = [new Int32Array(0), new Float64Array(0)];
  }

  /** Find them: `count` pairs `one` < `other`, the way (dx, dy) between them and its length r. */
  find(q) {
    const { cells, heads } = this, n = q.length / 3, span = cells === 1 ? 0 : 1;
    if (this.next.length !== n) {
      const most = (n * (n - 1)) / 2;
      this.next = new Int32Array(n);
      [this.cos, this.sin] = [0, 0].map(() => new Float64Array(n));
      [this.one, this.other] = [0, 0].map(() => new Int32Array(most));
      [this.dx, this.dy, this.r] = [0, 0, 0].map(() => new Float64Array(most));
    }
    heads.fill(-1);
    this.count = 0;
    for (let i = 0; i < n; i++) {
      this.cos[i] = Math.cos(q[3 * i + 2]);
      this.sin[i] = Math.sin(q[3 * i + 2]);
      const column = this.cell(q[3 * i]), row = this.cell(q[3 * i + 1]);
      for (let v = row - span; v <= row + span; v++) {
        for (let u = column - span; u <= column + span; u++) {
          const c = ((v + cells) % cells) * cells + ((u + cells) % cells);
          for (let j = heads[c]; j >= 0; j = this.next[j]) this.meet(q, j, i);
        }
      }
      this.next[i] = heads[row * cells + column];
      heads[row * cells + column] = i;
    }
  }

  cell(x) {
    return Math.min(this.cells - 1, Math.floor((wrapped(x, this.size) / this.size) * this.cells));
  }

  meet(q, i, j) {
    const dx = shortest(q[3 * j] - q[3 * i], this.size), dy = shortest(q[3 * j + 1] - q[3 * i + 1], this.size);
    const square = dx * dx + dy * dy;
    if (square >= this.reach * this.reach) return;
    const k = this.count++;
    this.one[k] = i;
    this.other[k] = j;
    this.dx[k] = dx;
    this.dy[k] = dy;
    this.r[k] = Math.max(CORE, Math.sqrt(square));
  }
}

/** A place on the periodic square, from 0 to its size. */
export function wrapped(x, size) {
  return x - size * Math.floor(x / size);
}

/** The shortest of the ways between the same two places. */
export function shortest(gap, size) {
  return gap - size * Math.round(gap / size);
}

/**
 * The score of log p = sum over pairs of sum_h f_h(r) cos(m_h a + n_h b + phase_h), with a and b the
 * headings from the bearing, as `PairLaw` in Python has it: `values` and `slopes` (S, K, H) of f at
 * r = 0, spacing, ..., between them the cubic that meets both; `harmonics` (H, 3).  `kinds` says how
 * many creatures are of each kind, or is null.  Returned is `score(q, out, pairs)`, with its `reach`;
 * the pairs are those found by `Neighbours` of that reach or more.
 */
export function pairLaw({ values, slopes, harmonics, spacing, kinds = null }) {
  const waves = numbers(harmonics, "harmonics"), H = waves.length / 3;
  const S = kinds ? (kinds.length * (kinds.length + 1)) / 2 : 1, K = values.length / (S * H);
  if (!(Number.isInteger(K) && K > 1 && slopes.length === values.length && spacing > 0)) {
    throw new RangeError(`${values.length} values and ${slopes.length} slopes make no law of ${S} x ${H} functions`);
  }
  const c = cubics(numbers(values, "values"), numbers(slopes, "slopes"), S, K, H, spacing);
  const [m, n, phase] = [0, 1, 2].map((part) => waves.filter((_, k) => k % 3 === part));
  const [cosPhase, sinPhase] = [phase.map(Math.cos), phase.map(Math.sin)];
  const order = Math.max(...m.map(Math.abs), ...n.map(Math.abs));
  const [cosA, sinA, cosB, sinB] = [0, 1, 2, 3].map(() => new Float64Array(2 * order + 1));
  const kind = kinds?.flatMap((many, which) => Array(many).fill(which));


  function score(q, out, pairs) {
    const { cos: ex, sin: ey } = pairs;
    out.fill(0);
    for (let k = 0; k < pairs.count; k++) {
      const r = pairs.r[k], cell = Math.floor(r / spacing), t = r / spacing - cell;
      if (cell >= K - 1) continue;
      let i = pairs.one[k], j = pairs.other[k], x = pairs.dx[k] / r, y = pairs.dy[k] / r, species = 0;
      if (kind) {
        if (kind[i] > kind[j]) [i, j, x, y] = [j, i, -x, -y];
        species = kind[i] * kinds.length - (kind[i] * (kind[i] + 1)) / 2 + kind[j];
      }
      multiples(ex[i] * x + ey[i] * y, ey[i] * x - ex[i] * y, order, cosA, sinA);
      multiples(ex[j] * x + ey[j] * y, ey[j] * x - ex[j] * y, order, cosB, sinB);
      let byR = 0, byA = 0, byB = 0, at = 4 * H * (species * (K - 1) + cell);
      for (let h = 0; h < H; h++, at += 4) {
        const f = c[at] + t * (c[at + 1] + t * (c[at + 2] + t * c[at + 3]));
        const slope = (c[at + 1] + t * (2 * c[at + 2] + 3 * t * c[at + 3])) / spacing;
        const a = m[h] + order, b = n[h] + order;
        const cos = cosA[a] * cosB[b] - sinA[a] * sinB[b], sin = sinA[a] * cosB[b] + cosA[a] * sinB[b];
        const pull = f * (sin * cosPhase[h] + cos * sinPhase[h]);
        byR += slope * (cos * cosPhase[h] - sin * sinPhase[h]);
        byA -= m[h] * pull;
        byB -= n[h] * pull;
      }
      const across = -(byA + byB) / r; // a bearing that grows lowers a and b
      add(out, i, across * y - byR * x, -byR * y - across * x, byA);
      add(out, j, byR * x - across * y, byR * y + across * x, byB);
    }
  }
  return Object.assign(score, { reach: spacing * (K - 1) });
}

/** Of each function and step of r the four coefficients of t, from 0 to 1 within it. */
function cubics(f, slopes, S, K, H, spacing) {
  const c = new Float64Array(S * (K - 1) * H * 4);
  for (let s = 0, at = 0; s < S; s++) {
    for (let k = s * K * H; k < ((s + 1) * K - 1) * H; k++, at += 4) {
      const rise = f[k + H] - f[k], [from, to] = [spacing * slopes[k], spacing * slopes[k + H]];
      c.set([f[k], from, 3 * rise - 2 * from - to, from + to - 2 * rise], at);
    }
  }
  return c;
}

/** Cosine and sine of k times an angle of cosine c and sine s, k = -order ... order. */
function multiples(c, s, order, cos, sin) {
  cos[order] = 1;
  for (let k = order + 1; k <= 2 * order; k++) {
    cos[k] = cos[2 * order - k] = c * cos[k - 1] - s * sin[k - 1];
    sin[k] = s * cos[k - 1] + c * sin[k - 1];
    sin[2 * order - k] = -sin[k];
  }
}

function add(out, i, x, y, turn) {
  out[3 * i] += x;
  out[3 * i + 1] += y;
  out[3 * i + 2] += turn;
}

/**
 * A wall of `dots` [x, y] that creatures keep off: log p has the extra term
 * -height (1 - r^2 / reach^2)^4 for each creature and dot, and `score(q, out)` adds its slope.
 */
export class Wall {
  constructor(size, reach = 10, height = 2.75) {
    Object.assign(this, { size, reach, height, dots: [] });
  }

  score(q, out) {
    const { size, reach, height } = this;
    for (const [x, y] of this.dots) {
      for (let i = 0; i < q.length; i += 3) {
        const dx = shortest(q[i] - x, size);
        if (Math.abs(dx) >= reach) continue;
        const dy = shortest(q[i + 1] - y, size), rest = 1 - (dx * dx + dy * dy) / reach ** 2;
        if (rest <= 0) continue;
        const steep = (8 * height * rest ** 3) / reach ** 2;
        out[i] += steep * dx;
        out[i + 1] += steep * dy;
      }
    }
  }
}

/**
 * The field of creatures that swim along their own heading at `swim` pixels a time, with that of
 * their group at `group`, and of whose two kinds the first pursues the second at `pursuit`: the sums
 * are those of `eqflow_nb.flows.poses`.  It keeps the p of the law, and of the wall if there is one.
 * The field's `score(q, out)` is that of the same p.
 */
export function life(law, { size, swim = 0, group = 0, pursuit = 0, length = 8, kinds = null, wall = null }) {
  const around = Math.sqrt(8) * length, pairs = new Neighbours(size, Math.max(law.reach, around));
  for (const [name, value] of Object.entries({ swim, group, pursuit })) {
    if (!Number.isFinite(value)) throw new RangeError(`${name} is ${value}; give a finite number`);
  }
  if (pursuit !== 0 && kinds?.length !== 2) throw new RangeError("pursuit is between two kinds; here is one");
  let s = new Float64Array(0), sums = s, w = s, steep = s;

  function score(q, out) {
    pairs.find(q);
    law(q, out, pairs);
    wall?.score(q, out);
  }

  function field(q, v) {
    if (s.length !== q.length) [s, sums] = [new Float64Array(q.length), new Float64Array(4 * q.length)];
    score(q, s);
    for (let i = 0, at = 0; at < q.length; i++, at += 3) {
      const x = swim * pairs.cos[i], y = swim * pairs.sin[i];
      v[at] = x + y * s[at + 2];
      v[at + 1] = y - x * s[at + 2];
      v[at + 2] = x * s[at + 1] - y * s[at];
    }
    if (pursuit !== 0 || group !== 0) weigh();
    if (pursuit !== 0) pursue(v);
    if (group !== 0) together(v);
  }

  /** Of each pair W = (1 - r^2 / around^2)^4; its gradient by the other is steep (dx, dy). */
  function weigh() {
    if (w.length !== pairs.r.length) [w, steep] = [new Float64Array(pairs.r.length), new Float64Array(pairs.r.length)];
    for (let k = 0; k < pairs.count; k++) {
      const rest = Math.max(0, 1 - (pairs.r[k] / around) ** 2), cube = rest * rest * rest;
      w[k] = rest * cube;
      steep[k] = (-8 * cube) / (around * around);
    }
  }

  function pursue(v) {
    const flees = (i) => Number(i >= kinds[0]), { one, other, dx, dy } = pairs;
    for (let k = 0; k < pairs.count; k++) {
      const i = one[k], j = other[k], rate = pursuit * length * (flees(i) - flees(j));
      add(v, i, rate * (w[k] * s[3 * j] + steep[k] * dx[k]), rate * (w[k] * s[3 * j + 1] + steep[k] * dy[k]), 0);
      add(v, j, rate * (steep[k] * dx[k] - w[k] * s[3 * i]), rate * (steep[k] * dy[k] - w[k] * s[3 * i + 1]), 0);
    }
  }

  /** Of each creature twelve sums: S; what changes its a; the group's turn; grad S; a; own turn. */
  function together(v) {
    const { one, other, dx, dy } = pairs, n = s.length / 3;
    sums.fill(0);
    for (let i = 0; i < n; i++) gather(i, i, 0, 0, 1); // each is in its own group
    for (let k = 0; k < pairs.count; k++) {
      if (w[k] === 0) continue;
      const x = steep[k] * dx[k], y = steep[k] * dy[k];
      gather(one[k], other[k], x, y, w[k]);
      gather(other[k], one[k], -x, -y, w[k]);
    }
    for (let i = 0; i < n; i++) steer(i, v);
    for (let k = 0; k < pairs.count; k++) {
      if (w[k] === 0) continue;
      const i = 12 * one[k], j = 12 * other[k], x = steep[k] * dx[k], y = steep[k] * dy[k];
      v[3 * one[k] + 2] -= w[k] * sums[j + 11] + x * sums[j + 9] + y * sums[j + 10];
      v[3 * other[k] + 2] -= w[k] * sums[i + 11] - x * sums[i + 9] - y * sums[i + 10];
    }
  }

  function gather(i, j, x, y, w) {
    const at = 12 * i, cos = pairs.cos[j], sin = pairs.sin[j];
    sums[at] += w * cos;
    sums[at + 1] += w * sin;
    sums[at + 2] -= w * w * sin;
    sums[at + 3] += w * w * cos;
    sums[at + 4] += w * s[3 * j + 2];
    sums[at + 5] += x * cos;
    sums[at + 6] += x * sin;
    sums[at + 7] += y * cos;
    sums[at + 8] += y * sin;
  }

  /** By its sums a creature moves, turns, and leaves to those around its a and its turn. */
  function steer(i, v) {
    const at = 12 * i, root = Math.sqrt(sums[at] ** 2 + sums[at + 1] ** 2 + SMOOTH ** 2);
    const hx = sums[at] / root, hy = sums[at + 1] / root;
    const fast = group * Math.sqrt(1 + SMOOTH ** 2), ax = fast * hy, ay = -fast * hx;
    const right = (x, y) => (fast * (y - hy * (hx * x + hy * y))) / root; // a changes with S
    const up = (x, y) => (fast * (hx * (hx * x + hy * y) - x)) / root;
    const mine = ax * s[3 * i] + ay * s[3 * i + 1] - right(sums[at + 5], sums[at + 6]) - up(sums[at + 7], sums[at + 8]);
    const cx = sums[at + 2], cy = sums[at + 3], turns = sums[at + 4];
    add(v, i, right(cx, cy) + ax * turns, up(cx, cy) + ay * turns, -mine);
    sums[at + 9] = ax;
    sums[at + 10] = ay;
    sums[at + 11] = mine;
  }
  return Object.assign(field, { score, pairs });
}

/** Counts of pairs by distance, a pixel a bin, over those of creatures that ignore each other. */
export function pairDistribution(pairs, n, bins) {
  const g = new Float64Array(bins), { size } = pairs;
  for (let k = 0; k < pairs.count; k++) if (pairs.r[k] < bins) g[Math.floor(pairs.r[k])]++;
  return g.map((many, k) => many / (((n * (n - 1)) / 2) * Math.PI * (2 * k + 1) / size ** 2));
}
