// A field in the plane that is asked for at the same places again and again, from a table.

const N = 8; // powers of each coordinate in a cell: 1, t, ..., t^7
const RIGHT = 1e-6; // of the field's size in a cell: a polynomial that errs more isn't used
const MOST_CELLS = 2 ** 16, MOST_KEPT = 2 ** 13;
const NODES = Array.from({ length: N }, (_, i) => Math.cos((Math.PI * (i + 0.5)) / N));
const BASIS = NODES.map(lagrange);

/**
 * The same field in the plane, many times as fast where many states come by.  The box {low, high} is
 * cut into cells of a side over which the field is smooth.  Once a cell has been asked for so often
 * that it pays, it is given a polynomial through the field's exact values at N x N Chebyshev points,
 * which is kept if it is right at the corners, where it is worst.  Elsewhere the field stays exact.
 */
export function interpolated(field, { low, high }, side) {
  const columns = Math.ceil((high[0] - low[0]) / side), rows = Math.ceil((high[1] - low[1]) / side);
  if (!(columns * rows <= MOST_CELLS)) return field;
  const asked = new Uint8Array(columns * rows), tables = new Array(columns * rows).fill(null);
  const one = new Float64Array(2), value = new Float64Array(2);
  let kept = 0;

  function make(cell, column, row) {
    const table = polynomial(field, low[0] + (column + 0.5) * side, low[1] + (row + 0.5) * side, side / 2);
    if (table) kept++;
    tables[cell] = table;
  }

  return (x, out) => {
    for (let at = 0; at < x.length; at += 2) {
      const a = (x[at] - low[0]) / side, b = (x[at + 1] - low[1]) / side;
      const column = Math.floor(a), row = Math.floor(b), cell = row * columns + column;
      const inside = column >= 0 && row >= 0 && column < columns && row < rows;
      const table = inside ? tables[cell] : null;
      if (table !== null) {
        evaluate(table, 2 * (a - column) - 1, 2 * (b - row) - 1, out, at);
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
        if (kept < MOST_KEPT) make(cell, column, row);
      }
    }
  };
}

/** Coefficients of t^j in the polynomial that is 1 at a node and 0 at the others. */
function lagrange(node) {
  let powers = [1];
  for (const other of NODES) {
    if (other === node) continue;
    const times = [0, ...powers].map((above, j) => above - other * (powers[j] ?? 0));
    powers = times.map((each) => each / (node - other));
  }
  return powers;
}

/** Coefficients (N, N, 2) of s^i t^j on the cell around (x, y), s and t from -1 to 1; or null. */
function polynomial(field, x, y, half) {
  const corners = [-1, 1].flatMap((s) => [-1, 1].map((t) => [s, t]));
  const places = [...NODES.flatMap((s) => NODES.map((t) => [s, t])), ...corners];
  const at = Float64Array.from(places.flatMap(([s, t]) => [x + half * s, y + half * t]));
  const values = new Float64Array(at.length), table = new Float64Array(2 * N * N), check = new Float64Array(2);
  field(at, values);
  for (let node = 0; node < N * N; node++) {
    const left = BASIS[Math.floor(node / N)], right = BASIS[node % N];
    for (let i = 0; i < table.length; i++) {
      table[i] += left[Math.floor(i / 2 / N)] * right[(i >> 1) % N] * values[2 * node + (i & 1)];
    }
  }
  const size = Math.sqrt(values.reduce((most, each) => Math.max(most, each * each), 0));
  const right = corners.every(([s, t], i) => {
    evaluate(table, s, t, check, 0);
    const from = 2 * (N * N + i);
    return Math.hypot(check[0] - values[from], check[1] - values[from + 1]) < RIGHT * size;
  });
  return right ? table : null;
}

function evaluate(table, s, t, out, at) {
  let a = 0, b = 0;
  for (let end = table.length; end > 0; end -= 2 * N) {
    let p = 0, q = 0;
    for (let i = end - 2; i >= end - 2 * N; i -= 2) {
      p = p * t + table[i];
      q = q * t + table[i + 1];
    }
    a = a * s + p;
    b = b * s + q;
  }
  out[at] = a;
  out[at + 1] = b;
}
