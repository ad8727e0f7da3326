// A square canvas among a panel's views, as sharp as the screen, and what is done on it.

import { make } from "./controls.js";

const SHARPEST = 2; // pixels of the canvas for each of the page's
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
    let down = false;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    stage.listen(canvas, "pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      down = true;
      press(place(event));
    });
    stage.listen(canvas, "pointermove", (event) => {
      if (!down || !event.isPrimary) return;
      const ways = event.getCoalescedEvents?.() ?? [];
      for (const each of ways.length ? ways : [event]) drag(place(each));
    });
    for (const end of ["pointerup", "pointercancel"]) {
      stage.listen(canvas, end, (event) => {
        if (down) lift(place(event));
        down = false;
      });
    }
  }

  /** Follow the keys: `go(right, down, shift)` at an arrow, `others[key]()` at another key. */
  keys(go, others = {}) {
    this.canvas.tabIndex = 0;
    this.stage.listen(this.canvas, "keydown", (event) => {
      const arrow = ARROWS[event.key], other = others[event.key];
      if (!arrow && !other) return;
      event.preventDefault();
      if (arrow) go(...arrow, event.shiftKey);
      else other();
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
