// A brush on a canvas, led by mouse, finger or keys.

import { make } from "./controls.js";

const STEP = 1 / 48; // of the side, for an arrow key; with Shift four times as far

/**
 * While mouse or finger are down it draws; arrow keys move it, and while Space is down it draws too.
 * It calls begin(), stroke(from, to) and end(); places are shares of the side, to the right and down.
 * `width`, such a share too, is for the ring that shows where it is.
 */
export class Brush {
  constructor(view, acts, width) {
    Object.assign(this, { view, acts, width, pen: null, cursor: null });
    const { canvas, stage } = view;
    canvas.style.cssText = "touch-action: none; cursor: crosshair";
    this.ring = make("span", { class: "eqflow-ring", hidden: "" });
    view.element.append(this.ring);
    const press = (place) => {
      this.cursor = null;
      this.press(place);
    };
    view.pointer({ press, drag: (place) => this.drag(place), lift: () => this.lift() });
    view.keys((right, down, shift) => this.go(right, down, shift ? 4 * STEP : STEP), {
      " ": () => this.pen ?? this.press((this.cursor ??= [0.5, 0.5])),
      Escape: () => canvas.blur(),
    });
    stage.listen(canvas, "keyup", (event) => event.key === " " && this.lift());
    stage.listen(canvas, "blur", () => this.lift());
  }

  /** Move the keyboard's cursor. */
  go(right, down, step) {
    const within = (share) => Math.max(0, Math.min(1, share)), [x, y] = this.cursor ?? [0.5, 0.5];
    this.cursor = [within(x + step * right), within(y + step * down)];
    if (this.pen) this.drag(this.cursor);
    this.shown();
  }

  press(place) {
    this.acts.begin();
    this.pen = place;
    this.acts.stroke(place, place);
    this.shown();
  }

  drag(place) {
    if (place.every((share, i) => share === this.pen[i])) return;
    this.acts.stroke(this.pen, place);
    this.pen = place;
    this.shown();
  }

  lift() {
    const down = this.pen !== null;
    this.pen = null;
    this.shown();
    if (down) this.acts.end();
  }

  shown() {
    const led = document.activeElement === this.view.canvas; // by keys, or it may be
    const place = this.pen ?? (led ? this.cursor : null), percent = (share) => `${100 * share}%`;
    this.ring.hidden = place === null;
    if (!place) return;
    const [left, top] = place.map((share) => percent(share - this.width / 2));
    Object.assign(this.ring.style, { left, top, width: percent(this.width) });
    this.ring.style.borderWidth = this.pen ? "3px" : "1.5px";
  }
}
