// The plane on a canvas: a density behind, arrows or streamlines, points with fading trails.

import { Canvas } from "./canvas.js";
import { make } from "./controls.js";

const CELLS = 56; // of the picture of a density, a side
const FADE = 0.3; // of a trail, each time that it fades
const FADES = 4; // frames between two

/** A square view of [-extent, extent]^2; `axes` names what is to the right, and upwards. */
export class Plane extends Canvas {
  constructor(stage, { extent, axes, alt, draws }) {
    super(stage, { label: alt, role: draws ? "application" : "img" });
    Object.assign(this, { extent, axes, age: 0, fades: FADES });
  }

  resize() {
    super.resize();
    this.back ??= make("canvas").getContext("2d");
    this.trail ??= make("canvas").getContext("2d");
    for (const { canvas } of [this.back, this.trail]) canvas.width = canvas.height = this.side;
  }

  /** Pixels of a unit of the plane. */
  get scale() {
    return this.side / (2 * this.extent);
  }

  /** Pixels of a place in the plane. */
  right(x) {
    return (x + this.extent) * this.scale;
  }

  down(y) {
    return (this.extent - y) * this.scale;
  }

  /** The place in the plane of shares of the side, to the right and down. */
  place([right, down]) {
    return [(2 * right - 1) * this.extent, (1 - 2 * down) * this.extent];
  }

  /** Begin the picture behind the points anew. */
  clearBack() {
    const { look } = this.stage;
    this.back.fillStyle = look.paper;
    this.back.fillRect(0, 0, this.side, this.side);
    if (this.axes) this.ticks();
  }

  /** Shade p, darkest at its peak; of the same p the picture is kept. */
  density(logDensity) {
    const { look } = this.stage;
    if (this.shade?.of !== logDensity || this.shade.look !== look) {
      this.shade = { of: logDensity, look, canvas: this.shaded(logDensity) };
    }
    this.back.imageSmoothingQuality = "high";
    this.back.drawImage(this.shade.canvas, 0, 0, this.side, this.side);
  }

  /** A small picture of p, by its root, so that the tails show too. */
  shaded(logDensity) {
    const log = new Float64Array(CELLS * CELLS);
    logDensity(lattice(this.extent * (1 - 1 / CELLS), CELLS), log);
    const top = log.reduce((a, b) => Math.max(a, b));
    const small = make("canvas", { width: CELLS, height: CELLS }).getContext("2d");
    const image = small.createImageData(CELLS, CELLS);
    for (let i = 0; i < log.length; i++) {
      const at = 4 * ((CELLS - 1 - Math.floor(i / CELLS)) * CELLS + (i % CELLS));
      image.data.set(this.stage.look.density, at);
      image.data[at + 3] = 110 * Math.exp((log[i] - top) / 2);
    }
    small.putImageData(image, 0, 0);
    return small.canvas;
  }

  /** Arrows of a field, the fastest of one length. */
  arrows(field) {
    this.along(field, { seeds: 19, steps: 1, length: 0.85 });
  }

  /** Short streamlines of a field times a factor, longer where it is fast. */
  streamlines(field, factor) {
    this.along(field, { seeds: 10, steps: 14, length: 1.6 * Math.sign(factor) * Math.sqrt(Math.abs(factor)) });
  }

  /** Lines both ways along a field from a lattice; `length` is the longest's, each way, in its cells. */
  along(field, { seeds, steps, length }) {
    const { back, ratio, extent, stage } = this, starts = lattice(extent * (1 - 1 / seeds), seeds);
    const v = starts.slice(), middle = starts.slice(), step = (length * extent) / seeds / steps;
    field(starts, v);
    const usual = usualSpeed(v);
    const slope = (x) => {
      field(x, v);
      shorten(v, usual);
    };
    [back.strokeStyle, back.globalAlpha, back.lineWidth] = [stage.look.faint, 0.7, 1.1 * ratio];
    back.beginPath();
    for (const h of [-step, step]) {
      const x = starts.slice(), way = [starts];
      for (let n = 0; n < steps; n++) {
        slope(x);
        for (let i = 0; i < x.length; i++) middle[i] = x[i] + (h / 2) * v[i];
        slope(middle);
        for (let i = 0; i < x.length; i++) x[i] += h * v[i];
        way.push(x.slice());
      }
      for (let i = 0; i < x.length; i += 2) {
        way.forEach((at, n) => back[n ? "lineTo" : "moveTo"](this.right(at[i]), this.down(at[i + 1])));
        const size = Math.min(1, 1.5 * Math.hypot(v[i], v[i + 1]));
        if (h === step) this.head(x[i], x[i + 1], h * v[i], h * v[i + 1], size);
      }
    }
    back.stroke();
    back.globalAlpha = 1;
  }

  /** The head of an arrow that ends in (x, y) and points along (a, b). */
  head(x, y, a, b, size) {
    const length = Math.hypot(a, b), long = 5 * this.ratio * size;
    if (size < 0.15 || length === 0) return;
    const [c, s, px, py] = [a / length, b / length, this.right(x), this.down(y)];
    this.back.moveTo(px - long * (c + 0.5 * s), py + long * (s - 0.5 * c));
    this.back.lineTo(px, py);
    this.back.lineTo(px - long * (c - 0.5 * s), py + long * (s + 0.5 * c));
  }

  /** Dots [[x, y], ...] of a drawing, on a layer. */
  dots(layer, dots) {
    const side = 2 * this.ratio;
    layer.fillStyle = this.stage.look.ink;
    layer.globalAlpha = 0.6;
    for (const [x, y] of dots) {
      layer.fillRect(this.right(x) - side / 2, this.down(y) - side / 2, side, side);
    }
    layer.globalAlpha = 1;
  }

  ticks() {
    const { back, ratio, side, axes, stage } = this;
    back.fillStyle = stage.look.faint;
    back.font = `${12 * ratio}px system-ui, sans-serif`;
    const edge = 6 * ratio;
    back.textAlign = "right";
    back.fillText(`${axes[0]} \u2192`, side - edge, side - edge);
    back.textAlign = "left";
    back.fillText(`${axes[1]} \u2191`, edge, 14 * ratio);
  }

  /** Forget the trails. */
  clearTrails() {
    this.trail.clearRect(0, 0, this.side, this.side);
  }

  /** Let trails fade, and add the way of points from `before` (2n) to `x` in the groups' tints. */
  trails(before, x, groups) {
    const { trail } = this;
    if (++this.age % this.fades === 0) {
      trail.globalCompositeOperation = "destination-out";
      trail.fillStyle = `rgba(0, 0, 0, ${FADE})`;
      trail.fillRect(0, 0, this.side, this.side);
      trail.globalCompositeOperation = "source-over";
    }
    trail.lineWidth = 1.2 * this.ratio;
    this.byTint("stroke", trail, groups, (i) => {
      trail.moveTo(this.right(before[2 * i]), this.down(before[2 * i + 1]));
      trail.lineTo(this.right(x[2 * i]), this.down(x[2 * i + 1]));
    });
  }

  /** Put together what is behind, the trails, and points x (2n) in the tints of their groups. */
  show(x, groups, radius) {
    const { context, side, ratio } = this, r = radius * ratio;
    context.drawImage(this.back.canvas, 0, 0);
    context.globalAlpha = 0.45;
    context.drawImage(this.trail.canvas, 0, 0);
    context.globalAlpha = 1;
    this.byTint("fill", context, groups, (i) => {
      const [px, py] = [this.right(x[2 * i]), this.down(x[2 * i + 1])];
      if (px < -r || py < -r || px > side + r || py > side + r) return;
      context.moveTo(px + r, py);
      context.arc(px, py, r, 0, 2 * Math.PI);
    });
  }
}

/** The places (2 cells^2) of a square lattice, row by row from the bottom. */
function lattice(reach, cells) {
  const x = new Float64Array(2 * cells * cells);
  for (let i = 0; i < cells * cells; i++) {
    x[2 * i] = reach * ((2 * (i % cells)) / (cells - 1) - 1);
    x[2 * i + 1] = reach * ((2 * Math.floor(i / cells)) / (cells - 1) - 1);
  }
  return x;
}

/** A speed that 70% of vectors (2n) don't reach. */
function usualSpeed(v) {
  const speeds = Float64Array.from({ length: v.length / 2 }, (_, i) => Math.hypot(v[2 * i], v[2 * i + 1]));
  return Math.max(1e-9, speeds.sort()[Math.floor(0.7 * speeds.length)]);
}

/** Vectors (2n) as drawn, in place: of length 1 where fast, of a root's (so visible) where slow. */
function shorten(v, usual) {
  for (let i = 0; i < v.length; i += 2) {
    const speed = Math.hypot(v[i], v[i + 1]);
    const c = speed > 1e-9 ? Math.sqrt(Math.min(1, speed / usual)) / speed : 0;
    v[i] *= c;
    v[i + 1] *= c;
  }
}
