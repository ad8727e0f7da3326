// Data from Python, as arrays of numbers.

/**
 * A panel's data as the page carries it: every {f32: base64, shape: [...]} in it, at any depth,
 * becomes a flat Float64Array, row by row, with its `shape` beside it.  So does {u8: base64, low,
 * high, shape}, numbers in 256 levels.  The rest stays as it is.
 */
export function decode(spec) {
  if (Array.isArray(spec)) return spec.map(decode);
  if (spec === null || typeof spec !== "object") return spec;
  if (typeof (spec.f32 ?? spec.u8) === "string") return unpacked(spec);
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [name, decode(value)]));
}

function unpacked({ f32, u8, low, high, shape }) {
  const bytes = Uint8Array.from(atob(f32 ?? u8), (letter) => letter.charCodeAt(0));
  const array = u8 === undefined ? Float64Array.from(new Float32Array(bytes.buffer))
    : Float64Array.from(bytes, (level) => low + (level / 255) * (high - low));
  if (array.length !== shape.reduce((a, b) => a * b, 1)) {
    throw new Error(`the data holds ${array.length} numbers, which do not fill ${shape.join(" x ")}`);
  }
  array.shape = shape;
  return array;
}

/** Numbers, nested or not, as a new flat Float64Array; one that is not finite is an error. */
export function numbers(values, name) {
  const array = Float64Array.from(Array.isArray(values) ? values.flat(Infinity) : values);
  const bad = array.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new Error(`${name} holds ${array[bad]} at place ${bad}; give finite numbers`);
  return array;
}
