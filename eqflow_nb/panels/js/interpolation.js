// A field in the plane that is asked for at the same places again and again, from a table.

const N = 8; // Chebyshev polynomials of each coordinate in a cell
const RIGHT = 1e-6; // of the field's size in a cell: a table that errs more isn't used
const MOST_CELLS = 2 ** 17;
const MOST_TABLES = 2 ** 13;
const NODES = Array.from({ length: N }, (_, i) => Math.cos((Math.PI * (i + 0.5)) / N));
const CORNERS = [[-1, -1], [-1, 1], [1, -1], [1, 1]];
const PLACES = [...NODES.flatMap((s) => NODES.map((t) => [s, t])), ...CORNERS];
const SHARES = NODES.map((t) => polynomials(t, new Float64Array(N)).map((each, j) => ((j ? 2 : 1) / N) * each));
const S = new Float64Array(N);
const T = new Float64Array(N);

/**
 * The same field, many times as fast where many states come by.  A square, `reach` to all sides of
 * the origin, is cut into cells of a side over which the field is smooth.  A cell that was asked for
 * so often that it pays gets a table: polynomials through the field's values at N x N nodes.  It is
 * kept if it is right at the corners, where it is worst; elsewhere the field stays exact.
 */
export function interpolated(field, reach, side) {
  const many = Math.ceil((2 * reach) / side), one = new Float64Array(2), value = new Float64Array(2);
  if (!(many ** 2 <= MOST_CELLS)) return field;
  const asked = new Uint8Array(many ** 2), tables = new Array(many ** 2).fill(null);
  let kept = 0;

  return (x, out) => {
    for (let at = 0; at < x.length; at += 2) {
      const a = (x[at] + reach) / side, b = (x[at + 1] + reach) / side;
      const column = Math.floor(a), row = Math.floor(b), cell = row * many + column;
      const inside = column >= 0 && row >= 0 && column < many && row < many;
      if (inside && tables[cell] !== null) {
        evaluate(tables[cell], 2 * (a - column) - 1, 2 * (b - row) - 1, out, at);
        continue;
      }
      one[0] = x[at];
      one[1] = x[at + 1];
      field(one, value);
      out[at] = value[0];
      out[at + 1] = value[1];
      // Cells differ in patience, so that they are not all made at once; then they are asked no more.
      if (inside && asked[cell] < 255 && ++asked[cell] === 20 + ((cell * 37) % 64)) {
        asked[cell] = 255;
        if (kept < MOST_TABLES) {
          tables[cell] = tableOf(field, side / 2, (column + 0.5) * side - reach, (row + 0.5) * side - reach);
        }
        if (tables[cell]) kept++;
      }
    }
  };
}

/** Coefficients (N, N, 2) of T_i(s) T_j(t) on the cell around (x, y), s and t from -1 to 1; or null. */
function tableOf(field, half, x, y) {
  const at = Float64Array.from(PLACES.flatMap(([s, t]) => [x + half * s, y + half * t]));
  const values = at.slice(), table = new Float64Array(2 * N * N), found = new Float64Array(2);
  field(at, values);
  for (let node = 0; node < N * N; node++) {
    const left = SHARES[Math.floor(node / N)], right = SHARES[node % N];
    for (let i = 0; i < table.length; i++) {
      table[i] += left[Math.floor(i / 2 / N)] * right[(i >> 1) % N] * values[2 * node + (i & 1)];
    }
  }
  const size = values.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const right = CORNERS.every(([s, t], corner) => {
    const [vx, vy] = values.subarray(2 * (N * N + corner));
    evaluate(table, s, t, found, 0);
    return Math.hypot(found[0] - vx, found[1] - vy) < RIGHT * size;
  });
  return right ? table : null;
}

/** The field at (s, t) of a cell, by its table. */
function evaluate(table, s, t, out, at) {
  polynomials(s, S);
  polynomials(t, T);
  let a = 0, b = 0;
  for (let i = 0, k = 0; i < N; i++) {
    let p = 0, q = 0;
    for (let j = 0; j < N; j++, k += 2) {
      p += T[j] * table[k];
      q += T[j] * table[k + 1];
    }
    a += S[i] * p;
    b += S[i] * q;
  }
  out[at] = a;
  out[at + 1] = b;
}

/** Chebyshev's polynomials T_0(t), T_1(t) ... into out. */
function polynomials(t, out) {
  out[0] = 1;
  out[1] = t;
  for (let j = 2; j < N; j++) out[j] = 2 * t * out[j - 1] - out[j - 2];
  return out;
}
