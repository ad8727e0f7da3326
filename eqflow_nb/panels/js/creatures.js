// Hundreds of creatures on a periodic sheet: they swim, steer and keep together as a pair law says.

import { Brush } from "./brush.js";
import { Canvas } from "./canvas.js";
import { TINTS, grouped } from "./colours.js";
import { button, make, toggle } from "./controls.js";
import { rk4, workspace } from "./integrators.js";
import { Neighbours, Wall, langevin, life, pairDistribution, pairLaw, shortest, wrapped } from "./poses.js";
import { Random } from "./random.js";
import { Plane } from "./view2d.js";

const CLOCK = 14; // units of time in a second: at u = 1 as many pixels of the sheet
const STRIDE = 0.15; // pixels that a creature swims in a step at most
const MOST_STEPS = 4; // in a frame: beyond, time passes more slowly
const FASTEST = 6; // pixels a unit of time, all wishes together
const MEMORY = 15; // units of time over which what is seen is averaged
const BODY = 11; // pixels of the sheet: the width of a creature
const TRACE = 8; // frames after which their ways fade by a part
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
      toggle("Arrows", false, (on) => { this.arrows = on; stage.wake(); }, "Arrows in place of pictures"),
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
    this.counted = new Neighbours(this.size, this.sheet.g.length);
    this.seen = new Float64Array(this.sheet.g.length + 1);
    this.look(1e-9);
    this.plane.extent = this.size / 2;
    this.plane.resize();
    this.brush.width = BODY / this.size;
    this.model(new Wall(this.size));
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
    this.sprites = this.pictures.map((picture) => this.sprite(picture));
    this.stale = true;
    this.stage.wake();
  }

  /** A picture as large as it is shown; on dark pages with a pale rim, since creatures may be dark. */
  sprite(picture) {
    if (!picture.naturalWidth) return null;
    const side = Math.ceil(BODY * this.plane.scale), rim = Math.ceil(side / 8), { dark, faint } = this.stage.look;
    const c = make("canvas", { width: side + 2 * rim, height: side + 2 * rim }).getContext("2d");
    if (dark) Object.assign(c, { shadowColor: faint, shadowBlur: rim });
    c.drawImage(picture, rim, rim, side, side);
    return c.canvas;
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
      if (eta > 0) langevin(this.field.score, q, dt, eta, this.spec.sigma, this.random, this.work);
      this.hold();
    }
    if (!q.every(Number.isFinite)) throw new RangeError("The creatures have left the sheet");
    this.time += steps * dt;
    this.look(steps * dt);
    const tints = Uint8Array.from({ length: this.n }, (_, i) => this.tint(i));
    const to = this.places(q), from = this.places(before).map((x, i) => to[i] - shortest(to[i] - x, size));
    this.plane.trails(from, to, grouped(tints));
  }

  /** Of a creature: by its kind, or by its heading. */
  tint(i) {
    if (this.sheet.kinds) return (TINTS / 2) * this.kind(i);
    return Math.floor(TINTS * wrapped(this.q[3 * i + 2] / (2 * Math.PI), 1)) % TINTS;
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
    const { q, counted, seen, spec: { near } } = this;
    counted.find(q);
    const g = pairDistribution(counted, this.n, seen.length - 1);
    let [sum, many] = [0, 0];
    for (let k = 0; k < counted.count; k++) {
      if (counted.r[k] >= near) continue;
      sum += Math.cos(q[3 * counted.one[k] + 2] - q[3 * counted.other[k] + 2]);
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

  /** Each creature, over the edge a second time. */
  draw() {
    const { plane, q, size } = this, { context } = plane, at = this.places(q), edge = (size - BODY) / 2;
    const copies = (x) => (Math.abs(x) < edge ? [x] : [x, x - Math.sign(x) * size]);
    plane.show([], [], 0);
    for (let i = 0; i < this.n; i++) {
      const cos = Math.cos(q[3 * i + 2]), sin = Math.sin(q[3 * i + 2]);
      for (const x of copies(at[2 * i])) {
        for (const y of copies(at[2 * i + 1])) {
          context.setTransform(cos, -sin, sin, cos, plane.right(x), plane.down(y));
          this.creature(i);
        }
      }
    }
    context.resetTransform();
  }

  creature(i) {
    const { context, scale } = this.plane, sprite = this.sprites[this.kind(i)];
    if (sprite && !this.arrows) return context.drawImage(sprite, -sprite.width / 2, -sprite.width / 2);
    context.fillStyle = this.stage.look.tints[this.tint(i)];
    context.beginPath();
    for (const [x, y] of [[5, 0], [-4, 3], [-2, 0], [-4, -3]]) context.lineTo(x * scale, y * scale);
    context.fill();
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
    if (!this.wall.dots.length) this.stage.tell(UNLIKE);
    if (!this.last) this.wall.add(...(this.last = place));
    for (let far; (far = Math.hypot(place[0] - this.last[0], place[1] - this.last[1])) >= MESH;) {
      this.last = this.last.map((z, k) => z + (MESH / far) * (place[k] - z));
      this.wall.add(...this.last);
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
