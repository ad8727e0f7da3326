/**
 * A panel's data as the page carries it: every {f32: base64, shape: [...]} in it, at any depth,
 * becomes a flat Float64Array, row by row, with its `shape` beside it.  The rest stays as it is.
 */
export function decode(spec) {
  if (Array.isArray(spec)) return spec.map(decode);
  if (spec === null || typeof spec !== "object") return spec;
  if (typeof spec.f32 === "string") return unpacked(spec);
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [name, decode(value)]));
}

function unpacked({ f32, shape }) {
  const bytes = Uint8Array.from(atob(f32), (letter) => letter.charCodeAt(0));
  const array = Float64Array.from(new Float32Array(bytes.buffer));
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
