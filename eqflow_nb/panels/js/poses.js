// Creatures with a place and a heading on a periodic square: the score of a pair law of their
// sheets, and ways of life that keep it.  A state q holds x (right), y (up) and heading, in radians
// anticlockwise from x, of one creature after the other.

import { numbers } from "./arrays.js";

const SMOOTH = 0.3; // |S| below which a group's heading is not trusted
const CORE = 1e-6; // pixels: as near as two creatures count

/** Pairs of creatures nearer than `reach`, found by cells: linear in the number of creatures. */
export class Neighbours {
  constructor(size, reach) {
    if (!(reach > 0 && reach <= size / 2)) {
      throw new RangeError(`reach is ${reach}; on a square of ${size} it must be from 0 to ${size / 2}`);
    }
    Object.assign(this, { size, reach, cells: Math.floor(size / reach), count: 0 });
    if (this.cells < 3) this.cells = 1; // then a cell would be its neighbour on both sides
    this.heads = new Int32Array(this.cells ** 2);
    [this.one, this.other, this.next] = [0, 0, 0].map(() => new Int32Array(0));
    [this.dx, this.dy, this.r] = [0, 0, 0].map(() => new Float64Array(0));
  }

  /** Find them: `count` pairs `one` < `other`, the way (dx, dy) between them and its length r. */
  find(q) {
    const { cells, heads } = this, n = q.length / 3;
    if (this.next.length !== n) this.next = new Int32Array(n);
    heads.fill(-1);
    this.count = 0;
    for (let i = 0; i < n; i++) {
      const column = this.cell(q[3 * i]), row = this.cell(q[3 * i + 1]);
      const span = cells === 1 ? 0 : 1;
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
    if (square >= this.reach ** 2) return;
    if (this.count === this.r.length) this.grow();
    const k = this.count++;
    this.one[k] = i;
    this.other[k] = j;
    this.dx[k] = dx;
    this.dy[k] = dy;
    this.r[k] = Math.max(CORE, Math.sqrt(square));
  }

  grow() {
    for (const name of ["one", "other", "dx", "dy", "r"]) {
      const larger = new this[name].constructor(2 * this.count + 64);
      larger.set(this[name]);
      this[name] = larger;
    }
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

  let e = new Float64Array(0); // of each creature cosine and sine of its heading, and nothing

  function score(q, out, pairs) {
    out.fill(0);
    if (e.length !== q.length) e = new Float64Array(q.length);
    for (let i = 0; i < q.length; i += 3) [e[i], e[i + 1]] = [Math.cos(q[i + 2]), Math.sin(q[i + 2])];
    for (let k = 0; k < pairs.count; k++) {
      const r = pairs.r[k], cell = Math.floor(r / spacing), t = r / spacing - cell;
      if (cell >= K - 1) continue;
      let i = pairs.one[k], j = pairs.other[k], x = pairs.dx[k] / r, y = pairs.dy[k] / r, species = 0;
      if (kind) {
        if (kind[i] > kind[j]) [i, j, x, y] = [j, i, -x, -y];
        species = kind[i] * kinds.length - (kind[i] * (kind[i] + 1)) / 2 + kind[j];
      }
      multiples(e[3 * i] * x + e[3 * i + 1] * y, e[3 * i + 1] * x - e[3 * i] * y, order, cosA, sinA);
      multiples(e[3 * j] * x + e[3 * j + 1] * y, e[3 * j + 1] * x - e[3 * j] * y, order, cosB, sinB);
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
 * A wall of dots that creatures keep off: log p has the extra term -height (1 - r^2 / reach^2)^4 for
 * each creature and dot.  `wall.dots` is a list of [x, y]; `wall.score(q, out)` adds to a score.
 */
export class Wall {
  constructor(size, reach = 10, height = 2.75) {
    Object.assign(this, { size, reach, height, dots: [], cells: Math.max(3, Math.floor(size / reach)) });
    this.lists = Array.from({ length: this.cells ** 2 }, () => []);
  }

  add(x, y) {
    const dot = [wrapped(x, this.size), wrapped(y, this.size)], [u, v] = dot.map((place) => this.cell(place));
    this.dots.push(dot);
    for (let i = v - 1; i <= v + 1; i++) {
      for (let j = u - 1; j <= u + 1; j++) this.list(j, i).push(dot);
    }
  }

  cell(x) {
    return Math.floor((wrapped(x, this.size) / this.size) * this.cells);
  }

  list(u, v) {
    const { cells } = this;
    return this.lists[((v + cells) % cells) * cells + ((u + cells) % cells)];
  }

  score(q, out) {
    for (let i = 0; i < q.length; i += 3) {
      for (const dot of this.list(this.cell(q[i]), this.cell(q[i + 1]))) {
        const dx = shortest(q[i] - dot[0], this.size), dy = shortest(q[i + 1] - dot[1], this.size);
        const rest = 1 - (dx * dx + dy * dy) / this.reach ** 2;
        if (rest <= 0) continue;
        const steep = (8 * this.height * rest ** 3) / this.reach ** 2;
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
  let s = new Float64Array(0), sums = new Float64Array(0);

  function score(q, out) {
    pairs.find(q);
    law(q, out, pairs);
    wall?.score(q, out);
  }

  function field(q, v) {
    if (s.length !== q.length) [s, sums] = [new Float64Array(q.length), new Float64Array(4 * q.length)];
    score(q, s);
    for (let i = 0; i < q.length; i += 3) {
      const x = swim * Math.cos(q[i + 2]), y = swim * Math.sin(q[i + 2]);
      v[i] = x + y * s[i + 2];
      v[i + 1] = y - x * s[i + 2];
      v[i + 2] = x * s[i + 1] - y * s[i];
    }
    if (pursuit !== 0) each((i, j, x, y, w) => pursue(v, i, j, x, y, w));
    if (group !== 0) together(q, v);
  }

  /** Of all pairs, both ways: W = (1 - r^2 / around^2)^4, and its gradient (x, y) by the other. */
  function each(act) {
    for (let k = 0; k < pairs.count; k++) {
      const rest = 1 - (pairs.r[k] / around) ** 2;
      if (rest <= 0) continue;
      const i = pairs.one[k], j = pairs.other[k], cube = rest * rest * rest, w = rest * cube, steep = (-8 * cube) / (around * around);
      act(i, j, steep * pairs.dx[k], steep * pairs.dy[k], w);
      act(j, i, -steep * pairs.dx[k], -steep * pairs.dy[k], w);
    }
  }

  function pursue(v, i, j, x, y, w) {
    const rate = pursuit * length * ((i >= kinds[0]) - (j >= kinds[0]));
    add(v, i, rate * (w * s[3 * j] + x), rate * (w * s[3 * j + 1] + y), 0);
  }

  /** Of each creature twelve sums: S; what changes its a; the group's turn; grad S; a; own turn. */
  function together(q, v) {
    sums.fill(0);
    const gather = (i, j, x, y, w) => {
      const at = 12 * i, cos = Math.cos(q[3 * j + 2]), sin = Math.sin(q[3 * j + 2]);
      sums[at] += w * cos;
      sums[at + 1] += w * sin;
      sums[at + 2] -= w * w * sin;
      sums[at + 3] += w * w * cos;
      sums[at + 4] += w * s[3 * j + 2];
      sums[at + 5] += x * cos;
      sums[at + 6] += x * sin;
      sums[at + 7] += y * cos;
      sums[at + 8] += y * sin;
    };
    for (let i = 0; 3 * i < q.length; i++) gather(i, i, 0, 0, 1); // each is in its own group
    each(gather);
    for (let i = 0; 3 * i < q.length; i++) steer(i, v);
    each((i, j, x, y, w) => {
      v[3 * i + 2] -= w * sums[12 * j + 11] + x * sums[12 * j + 9] + y * sums[12 * j + 10];
    });
  }

  /** By its sums a creature moves, turns, and leaves to those around its a and its turn. */
  function steer(i, v) {
    const at = 12 * i, root = Math.hypot(sums[at], sums[at + 1], SMOOTH), hx = sums[at] / root, hy = sums[at + 1] / root;
    const fast = group * Math.hypot(1, SMOOTH), ax = fast * hy, ay = -fast * hx;
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

/**
 * One step of Heun's method, in place, for dq = eta sigma^2 s dt + sqrt(2 eta) sigma dW, with sigma
 * (3) the blur of a pose: it keeps p, whatever flow moves the creatures between two such steps.
 */
export function langevin(score, q, dt, eta, sigma, random, { slope, sum, probe }) {
  score(q, slope);
  for (let i = 0; i < q.length; i++) {
    const c = sigma[i % 3], kick = c * Math.sqrt(2 * eta * dt) * random.normal();
    sum[i] = q[i] + kick + (dt / 2) * eta * c * c * slope[i];
    probe[i] = q[i] + kick + dt * eta * c * c * slope[i];
  }
  score(probe, slope);
  for (let i = 0; i < q.length; i++) q[i] = sum[i] + (dt / 2) * eta * sigma[i % 3] ** 2 * slope[i];
}

/** Counts of pairs by distance, a pixel a bin, over those of creatures that ignore each other. */
export function pairDistribution(pairs, n, bins) {
  const g = new Float64Array(bins), { size } = pairs;
  for (let k = 0; k < pairs.count; k++) if (pairs.r[k] < bins) g[Math.floor(pairs.r[k])]++;
  return g.map((many, k) => many / (((n * (n - 1)) / 2) * Math.PI * (2 * k + 1) / size ** 2));
}
