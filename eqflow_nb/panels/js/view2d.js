// The plane on a canvas: a density behind, arrows or streamlines, points with fading trails.

import { PointCanvas } from "./canvas.js";
import { make } from "./controls.js";
import { rk4, workspace } from "./integrators.js";

const CELLS = 56; // of the picture of a density, a side

/** A square view of [-extent, extent]^2; `axes` names what is to the right, and upwards. */
export class Plane extends PointCanvas {
  constructor(stage, { extent, axes, alt, draws }) {
    super(stage, { label: alt, role: draws ? "application" : "img" });
    Object.assign(this, { extent, axes });
  }

  resize() {
    super.resize();
    this.back ??= make("canvas").getContext("2d");
    this.back.canvas.width = this.back.canvas.height = this.side;
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

  pixel(x, i) {
    return [this.right(x[2 * i]), this.down(x[2 * i + 1])];
  }

  /** The place in the plane of shares of the side, to the right and down. */
  place([right, down]) {
    return [(2 * right - 1) * this.extent, (1 - 2 * down) * this.extent];
  }

  /** Begin the picture behind the points anew. */
  clearBack() {
    const { back, axes, ratio, side, stage: { look } } = this;
    back.fillStyle = look.paper;
    back.fillRect(0, 0, side, side);
    if (!axes) return;
    Object.assign(back, { fillStyle: look.faint, font: `${12 * ratio}px system-ui, sans-serif`, textAlign: "right" });
    back.fillText(`${axes[0]} \u2192`, side - 6 * ratio, side - 6 * ratio);
    back.textAlign = "left";
    back.fillText(`${axes[1]} \u2191`, 6 * ratio, 14 * ratio);
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
    log.forEach((each, i) => {
      image.data.set([...this.stage.look.density, 110 * Math.exp((each - top) / 2)], 4 * i);
    });
    small.putImageData(image, 0, 0);
    return small.canvas;
  }

  /** Arrows of a field, the fastest of one length. */
  arrows(field) {
    this.along(field, { seeds: 19, steps: 1, length: 0.85 });
  }

  /** Short streamlines of a field times a factor, longer where it is fast. */
  streamlines(field, factor) {
    this.along(field, { seeds: 10, steps: 7, length: 1.6 * Math.sign(factor) * Math.sqrt(Math.abs(factor)) });
  }

  /** Lines both ways along a field from a lattice; `length` is the longest's, each way, in its cells. */
  along(field, { seeds, steps, length }) {
    const { back, ratio, extent, stage } = this, starts = lattice(extent * (1 - 1 / seeds), seeds);
    const v = starts.slice(), work = workspace(v.length), step = (length * extent) / seeds / steps;
    field(starts, v);
    const usual = usualSpeed(v);
    const drawn = (x, out) => {
      field(x, out);
      shorten(out, usual);
    };
    Object.assign(back, { strokeStyle: stage.look.faint, globalAlpha: 0.7, lineWidth: 1.1 * ratio });
    back.beginPath();
    for (const h of [-step, step]) {
      const x = starts.slice(), way = [starts];
      for (let n = 0; n < steps; n++) {
        rk4(drawn, x, h, work);
        way.push(x.slice());
      }
      for (let i = 0; i < x.length; i += 2) {
        const line = way.map((at) => [this.right(at[i]), this.down(at[i + 1])]);
        line.forEach(([px, py], n) => back[n ? "lineTo" : "moveTo"](px, py));
        if (h === step) this.head(...line.slice(-2), Math.abs(step) * this.scale);
      }
    }
    back.stroke();
    back.globalAlpha = 1;
  }

  /** The head of an arrow, smaller where its last part is shorter than the `longest`. */
  head([fromX, fromY], [x, y], longest) {
    const a = x - fromX, b = y - fromY, length = Math.hypot(a, b), size = Math.min(1, (1.5 * length) / longest);
    if (!(size >= 0.15)) return;
    const c = (5 * this.ratio * size * a) / length, s = (5 * this.ratio * size * b) / length;
    this.back.moveTo(x - c - 0.5 * s, y - s + 0.5 * c);
    this.back.lineTo(x, y);
    this.back.lineTo(x - c + 0.5 * s, y - s - 0.5 * c);
  }

  /** Dots [[x, y], ...] on a layer, as squares of so many pixels of the page. */
  ink(layer, dots, pixels) {
    const side = pixels * this.ratio;
    layer.fillStyle = this.stage.look.ink;
    layer.globalAlpha = 0.6;
    for (const [x, y] of dots) layer.fillRect(this.right(x) - side / 2, this.down(y) - side / 2, side, side);
    layer.globalAlpha = 1;
  }

  /** A small picture with its middle at (x, y), on whole pixels. */
  picture(small, x, y) {
    const half = small.width / 2;
    this.context.drawImage(small, Math.round(this.right(x) - half), Math.round(this.down(y) - half));
  }

  /** Put together what is behind, the trails, and points x (2n) in the tints of their groups. */
  show(x, groups, radius) {
    this.context.drawImage(this.back.canvas, 0, 0);
    this.showTrails();
    this.points(x, groups, radius);
  }
}

/** The places (2 cells^2) of a square lattice, row by row from the top. */
function lattice(reach, cells) {
  const line = Array.from({ length: cells }, (_, i) => reach * ((2 * i) / (cells - 1) - 1));
  return Float64Array.from(line.flatMap((y) => line.flatMap((x) => [x, -y])));
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
