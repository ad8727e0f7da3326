// A square canvas among a panel's views, as sharp as the screen, and what is done on it.

import { make } from "./controls.js";

const SHARPEST = 2; // pixels of the canvas for each of the page's
const FADE = 0.3; // of a trail, each time that it fades
const FADES = 4; // frames between two
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** A picture with words below it, if any; with so many `pixels` a side, or as fit the page. */
export class Canvas {
  constructor(stage, { label, words = null, role = "img", pixels = null }) {
    Object.assign(this, { stage, pixels });
    this.canvas = make("canvas", { role, "aria-label": label, width: pixels, height: pixels });
    this.context = this.canvas.getContext("2d", { willReadFrequently: pixels !== null });
    this.element = make("figure", { class: "eqflow-view" }, this.canvas);
    this.words = words && make("figcaption", {}, words);
    if (words) this.element.append(this.words);
    stage.views.append(this.element);
    stage.canvases.push(this);
    this.resize();
  }

  /** Fit the pixels to the place on the page; what was drawn is gone. */
  resize() {
    this.ratio = Math.min(SHARPEST, window.devicePixelRatio || 1);
    this.side = this.pixels ?? Math.max(16, Math.round((this.canvas.clientWidth || 320) * this.ratio));
    if (!this.pixels) this.canvas.width = this.canvas.height = this.side;
  }

  /**
   * Follow mouse and finger: `press`, `drag` and `lift` are called with the place as shares of the
   * side, to the right and down.
   */
  pointer({ press, drag, lift = () => {} }) {
    const { stage, canvas } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    stage.listen(canvas, "pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      press(place(event));
    });
    stage.listen(canvas, "pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      (event.getCoalescedEvents?.() ?? [event]).forEach((each) => drag(place(each)));
    });
    stage.listen(canvas, "lostpointercapture", (event) => lift(place(event)));
  }

  /** Follow the keys: `go(right, down, shift)` at an arrow, `others[key]()` at another key. */
  keys(go, others = {}) {
    this.canvas.tabIndex = 0;
    this.stage.listen(this.canvas, "keydown", (event) => {
      const arrow = ARROWS[event.key], act = arrow ? () => go(...arrow, event.shiftKey) : others[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
  }
}

/** A canvas for points and their trails; its kinds say by `pixel(x, i)` where point i of states x is. */
export class PointCanvas extends Canvas {
  resize() {
    super.resize();
    this.trail ??= make("canvas").getContext("2d");
    this.trail.canvas.width = this.trail.canvas.height = this.side;
    this.age = 0;
  }

  /** Forget the trails. */
  clearTrails() {
    this.trail.clearRect(0, 0, this.side, this.side);
  }

  /** Let trails fade, every so many frames, and add the ways of points from `before` to x. */
  trails(before, x, groups, frames = FADES) {
    const { trail } = this;
    if (++this.age % frames === 0) {
      trail.globalCompositeOperation = "destination-out";
      trail.fillStyle = `rgba(0, 0, 0, ${FADE})`;
      trail.fillRect(0, 0, this.side, this.side);
      trail.globalCompositeOperation = "source-over";
    }
    trail.lineWidth = 1.2 * this.ratio;
    this.byTint("stroke", trail, groups, (i) => {
      trail.moveTo(...this.pixel(before, i));
      trail.lineTo(...this.pixel(x, i));
    });
  }

  showTrails() {
    this.context.globalAlpha = 0.45;
    this.context.drawImage(this.trail.canvas, 0, 0);
    this.context.globalAlpha = 1;
  }

  points(x, groups, radius) {
    const { context } = this, r = radius * this.ratio;
    this.byTint("fill", context, groups, (i) => {
      const [across, down] = this.pixel(x, i);
      context.moveTo(across + r, down);
      context.arc(across, down, r, 0, 2 * Math.PI);
    });
  }

  /** `stroke` or `fill` one path for all points of a tint: `mark(i)` adds the part of point i. */
  byTint(how, context, groups, mark) {
    groups.forEach((members, tint) => {
      if (!members.length) return;
      context[`${how}Style`] = this.stage.look.tints[tint];
      context.beginPath();
      members.forEach(mark);
      context[how]();
    });
  }
}
