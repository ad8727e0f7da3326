// Hundreds of creatures on a periodic sheet: they swim, steer and keep together as a pair law says.

import { Brush } from "./brush.js";
import { Canvas } from "./canvas.js";
import { TINTS, grouped } from "./colours.js";
import { button, make, toggle } from "./controls.js";
import { langevin, rk4, workspace } from "./integrators.js";
import { Wall, life, pairDistribution, pairLaw, shortest, wrapped } from "./poses.js";
import { Random } from "./random.js";
import { Plane } from "./view2d.js";

const CLOCK = 14; // units of time in a second: at u = 1 as many pixels of the sheet
const STRIDE = 0.3; // pixels that a creature swims in a step at most; at .45 schools and flocks tighten
const MOST_STEPS = 2; // in a frame: beyond, time passes more slowly
const FASTEST = 6; // pixels a unit of time, all wishes together
const MEMORY = 15; // units of time over which what is seen is averaged
const BODY = 11; // pixels of the sheet: the width of a creature
const TRACE = 8; // frames after which their ways fade by a part
const ANGLES = 72; // at which a creature is drawn beforehand, since to turn pictures takes long
const ARROW = [[0.45, 0], [-0.36, 0.27], [-0.18, 0], [-0.36, -0.27]]; // in widths of a creature
const MESH = 3; // pixels between two dots of a wall
const UNLIKE = "A wall is not in the sheets: it is an extra term of log p, and the flow keeps that p.";
const SHOWN = "g(r), pairs by distance in pixels: now (line), and in the sheets (grey)";

/**
 * The spec holds `worlds` by name: {law, g, aligned, sheets}, see `pairLaw`, with g(r) of the sheets,
 * a pixel a bin, the mean cosine between headings nearer than `near`, and by the number of creatures
 * {start (n, 3), size, kinds}.  It holds as well the `length` of a group, the blur `sigma` of a pose,
 * and `pictures` of creatures as addresses, one for each kind, their heads to the right.
 */
export class Creatures {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage, arrows: false, builds: false });
    this.plane = new Plane(stage, { extent: 1, alt: spec.alt, draws: true });
    this.plane.fades = TRACE;
    this.graph = new Canvas(stage, { label: SHOWN, words: SHOWN });
    this.graph.canvas.style.aspectRatio = 4;
    for (const { element } of [this.plane, this.graph]) element.style.flexBasis = "100%";
    this.pictures = spec.pictures.map((address) => {
      const picture = make("img", { src: address });
      stage.listen(picture, "load", () => this.resize());
      return picture;
    });
    this.brush = new Brush(this.plane, {
      begin: () => Object.assign(this, { held: undefined, last: null }),
      stroke: (_, share) => this.act(this.plane.place(share).map((z) => z + this.size / 2)),
      end: () => this.letGo(),
    });
    stage.bar.append(
      toggle("Arrows", false, (on) => { this.arrows = on; this.resize(); }, "Arrows in place of pictures"),
      toggle("Wall", false, (on) => { this.builds = on; }, "Draw a wall, which creatures avoid"),
      button("No wall", () => { this.model(new Wall(this.size)); stage.wake(); }, "Take all walls away"),
    );
    this.restart();
  }

  /** The sheet to begin with, without a wall. */
  restart() {
    const { sheets, number } = this.stage.values, world = this.spec.worlds[sheets];
    this.sheet = { ...world, ...world.sheets[number] };
    Object.assign(this, { size: this.sheet.size, q: this.sheet.start.slice(), time: 0, watched: 0, held: -1 });
    this.n = this.q.length / 3;
    this.law = pairLaw({ ...world.law, kinds: this.sheet.kinds });
    [this.work, this.random] = [workspace(this.q.length), new Random(1)];
    this.seen = new Float64Array(this.sheet.g.length + 1);
    this.plane.extent = this.size / 2;
    this.plane.resize();
    this.brush.width = BODY / this.size;
    this.model(new Wall(this.size));
    this.look(1e-9);
    this.resize();
  }

  /** The flow that the sliders wish for. */
  model(wall = this.wall) {
    const { swim, group, pursuit, eta } = this.stage.values, { kinds } = this.sheet, hunt = kinds ? pursuit : 0;
    const speed = Math.abs(swim) + Math.abs(group) + Math.abs(hunt);
    if (Math.max(speed, eta) > FASTEST) {
      throw new RangeError(`The wishes add up to ${speed} pixels a time, and \u03b7 is ${eta}; the steps follow up to ${FASTEST}`);
    }
    Object.assign(this, { wall, speed, stale: true });
    this.field = life(this.law, { size: this.size, swim, group, pursuit: hunt, kinds, length: this.spec.length, wall });
  }

  set(name) {
    if (name === "sheets" || name === "number") this.restart();
    else this.model();
  }

  resize() {
    this.graph.canvas.height = this.graph.side / 4;
    const { look } = this.stage, headings = Array.from({ length: ANGLES }, (_, k) => (2 * Math.PI * k) / ANGLES);
    this.sprites = this.pictures.map((picture, kind) => headings.map((heading) => {
      const arrow = this.arrows ? look.tints[this.tint(kind, heading)] : null;
      return portrait(picture, BODY * this.plane.scale, heading, look, arrow);
    }));
    this.stale = true;
    this.stage.wake();
  }

  // ---- motion ----

  frame(seconds) {
    if (seconds > 0) this.move(CLOCK * seconds);
    if (this.stale) this.drawBack();
    this.draw();
    this.drawGraph();
  }

  move(time) {
    const { q, size } = this, { eta } = this.stage.values, before = q.slice(), pace = Math.max(1, this.speed);
    const steps = Math.min(MOST_STEPS, Math.ceil((time * pace) / STRIDE)), dt = Math.min(time / steps, STRIDE / pace);
    for (let k = 0; k < steps; k++) {
      if (this.speed > 0) rk4(this.field, q, dt, this.work);
      if (eta > 0) langevin(this.field.score, q, dt, eta, this.random, this.work, this.spec.sigma);
      this.hold();
    }
    if (!q.every(Number.isFinite)) throw new RangeError("The creatures have left the sheet");
    this.time += steps * dt;
    this.look(steps * dt);
    const to = this.places(q), from = this.places(before).map((x, i) => to[i] - shortest(to[i] - x, size));
    const tints = Array.from({ length: this.n }, (_, i) => this.tint(this.kind(i), q[3 * i + 2]));
    this.plane.trails(from, to, grouped(tints));
  }

  /** The colour of a creature: by its kind, or of one kind by its heading. */
  tint(kind, heading) {
    return this.sheet.kinds ? (TINTS / 2) * kind : step(heading, TINTS);
  }

  kind(i) {
    return Number(i >= (this.sheet.kinds?.[0] ?? this.n));
  }

  /** Places (2n) on the plane, which has its origin in the middle. */
  places(q) {
    const place = (_, i) => wrapped(q[3 * (i >> 1) + (i & 1)], this.size) - this.size / 2;
    return Float64Array.from({ length: 2 * this.n }, place);
  }

  /** Of g(r), and of how neighbours are aligned, the mean over the last while. */
  look(time) {
    const { seen, spec: { near }, field: { pairs } } = this;
    pairs.find(this.q);
    const { one, other, cos, sin } = pairs;
    const g = pairDistribution(pairs, this.n, seen.length - 1);
    let [sum, many] = [0, 0];
    for (let k = 0; k < pairs.count; k++) {
      if (pairs.r[k] >= near) continue;
      sum += cos[one[k]] * cos[other[k]] + sin[one[k]] * sin[other[k]];
      many++;
    }
    this.watched = Math.min(MEMORY, this.watched + time);
    [...g, sum / Math.max(1, many)].forEach((x, k) => (seen[k] += (time / this.watched) * (x - seen[k])));
  }

  say() {
    const { g, aligned } = this.sheet, off = g.reduce((sum, x, k) => sum + Math.abs(x - this.seen[k]), 0) / g.length;
    const words = `time ${this.time.toFixed(0)}; g(r) is off by ${off.toFixed(2)} on average; neighbours' cosine `;
    return `${words}${this.seen.at(-1).toFixed(2)}, in the sheets ${aligned.toFixed(2)}`.replaceAll("-", "\u2212");
  }

  // ---- pictures ----

  drawBack() {
    const { plane, size } = this;
    this.stale = false;
    plane.clearBack();
    plane.back.fillStyle = this.stage.look.faint;
    for (const dot of this.wall.dots) {
      const [x, y] = dot.map((z) => z - size / 2);
      plane.back.beginPath();
      plane.back.arc(plane.right(x), plane.down(y), 2 * plane.scale, 0, 2 * Math.PI);
      plane.back.fill();
    }
  }

  /** Each creature, over the edge a second time; on whole pixels, which is three times as fast. */
  draw() {
    const { plane, q, size } = this, at = this.places(q), edge = (size - BODY) / 2;
    const copies = (x) => (Math.abs(x) < edge ? [x] : [x, x - Math.sign(x) * size]);
    plane.show([], [], 0);
    for (let i = 0; i < this.n; i++) {
      const sprite = this.sprites[this.kind(i)][step(q[3 * i + 2] + Math.PI / ANGLES, ANGLES)], half = sprite.width / 2;
      for (const x of copies(at[2 * i])) {
        for (const y of copies(at[2 * i + 1])) {
          plane.context.drawImage(sprite, Math.round(plane.right(x) - half), Math.round(plane.down(y) - half));
        }
      }
    }
  }

  drawGraph() {
    const { side, ratio, context: c, canvas: { height } } = this.graph, { look } = this.stage, { g } = this.sheet;
    const base = height - 16 * ratio, top = 1.15 * Math.max(2, ...g), right = (r) => (r / g.length) * side;
    const line = (values) => {
      c.beginPath();
      c.moveTo(0, base);
      values.forEach((value, k) => c.lineTo(right(k + 0.5), base * (1 - value / top)));
    };
    Object.assign(c, { fillStyle: look.paper, strokeStyle: look.key, lineWidth: 2 * ratio, font: `${12 * ratio}px system-ui` });
    c.fillRect(0, 0, side, height);
    line([...g, g.at(-1)]);
    c.lineTo(right(g.length + 0.5), base);
    c.fillStyle = look.line;
    c.fill();
    line(this.seen.subarray(0, g.length));
    c.stroke();
    c.fillStyle = look.faint;
    for (let r = 0; r < g.length; r += 5) c.fillText(`${r}`, right(r) + 2 * ratio, height - 3 * ratio);
  }

  // ---- mouse, finger and keys ----

  /** The brush has come to a place of the sheet: it builds, or holds a creature. */
  act(place) {
    this.at = place;
    if (this.builds) this.build(place);
    else this.held ??= this.nearest(place);
    this.hold();
    this.stage.wake();
  }

  letGo() {
    if (this.held >= 0) this.stage.tell("Let go.");
    this.held = -1;
  }

  build(place) {
    const { dots } = this.wall;
    if (!dots.length) this.stage.tell(UNLIKE);
    if (!this.last) dots.push((this.last = place));
    for (let far; (far = Math.hypot(place[0] - this.last[0], place[1] - this.last[1])) >= MESH;) {
      this.last = this.last.map((z, k) => z + (MESH / far) * (place[k] - z));
      dots.push(this.last);
    }
    this.stale = true;
  }

  /** The creature at a place; -1 if none is. */
  nearest(place) {
    const gap = (i) => Math.hypot(...place.map((z, k) => shortest(this.q[3 * i + k] - z, this.size)));
    const best = Array.from({ length: this.n }, (_, i) => i).reduce((a, b) => (gap(b) < gap(a) ? b : a));
    const held = gap(best) < BODY ? best : -1;
    this.stage.tell(held < 0 ? "No creature is here." : "Holding a creature.");
    return held;
  }

  /** A creature that is held is where the brush is. */
  hold() {
    if (this.held >= 0) this.q.set(this.at, 3 * this.held);
  }
}

/**
 * A canvas with a creature `side` pixels wide and its heading; on dark pages with a pale rim, since it
 * may be dark.  It is an arrow if it should have a colour as such, or while its picture isn't there.
 */
export function portrait(picture, side, heading, look, arrow = null) {
  const width = 2 * Math.ceil(0.75 * side), c = make("canvas", { width, height: width }).getContext("2d");
  c.translate(width / 2, width / 2);
  c.rotate(-heading);
  if (picture.naturalWidth && !arrow) {
    if (look.dark) Object.assign(c, { shadowColor: look.faint, shadowBlur: side / 8 });
    c.drawImage(picture, -side / 2, -side / 2, side, side);
  } else {
    c.fillStyle = arrow ?? look.ink;
    for (const [x, y] of ARROW) c.lineTo(x * side, y * side);
    c.fill();
  }
  return c.canvas;
}

/** The number, below `steps`, of the equal part of a circle in which an angle lies. */
function step(angle, steps) {
  return Math.min(steps - 1, Math.floor(steps * wrapped(angle / (2 * Math.PI), 1)));
}
