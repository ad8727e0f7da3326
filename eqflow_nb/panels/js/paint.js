// A sheet to paint a creature on: its pixels go to Python as they change, and come from there.

import { button, controls, make } from "./controls.js";

const LEAP = 12; // pixels that an arrow key moves the brush by; with Shift, 4
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ERASING = "eraser";

/** The spec holds the `side` of the sheet in pixels, its `paper`, `brushes` by name, and a `width`. */
export function paint(spec, stage) {
  return new Paint(spec, stage);
}

class Paint {
  constructor(spec, stage) {
    const { side, paper } = spec;
    Object.assign(this, { spec, stage, link: stage.link, pen: null, width: spec.width, place: [side / 2, side / 2] });
    this.canvas = make("canvas", {
      width: side, height: side, tabindex: 0, role: "application", "aria-label": spec.alt,
    });
    this.canvas.style.cssText = `background: ${paper}; touch-action: none; cursor: crosshair; aspect-ratio: 1`;
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.ring = make("span", { hidden: "" });
    const figure = make("figure", { class: "eqflow-view" }, this.canvas, this.ring);
    figure.style.maxWidth = "24rem";
    stage.views.append(figure);
    this.tools();
    this.follow();
    this.take();
  }

  tools() {
    const { brushes } = this.spec, about = { label: "brush width in pixels", min: 4, max: 48, step: 2, digits: 0 };
    const swatches = Object.entries(brushes).map(([name, colour]) => {
      const swatch = button(name, () => choose(name)), spot = make("span", {});
      spot.style.cssText = `display: inline-block; width: 14px; height: 14px; margin-right: 8px;
        vertical-align: -1px; border: 1px solid #888; border-radius: 4px; background: ${colour}`;
      if (name !== ERASING) swatch.prepend(spot);
      return swatch;
    });
    const choose = (name) => {
      this.brush = name;
      swatches.forEach((each) => each.setAttribute("aria-pressed", each.textContent === name));
    };
    choose(Object.keys(brushes)[0]);
    this.stage.bar.replaceChildren(...swatches);
    this.stage.bar.after(controls([{ ...about, name: "width", value: this.width }], (_, value) => (this.width = value)));
  }

  /** Follow mouse, finger and keys; and Python, if there is one. */
  follow() {
    const { stage, canvas } = this;
    const at = (event) => {
      const box = canvas.getBoundingClientRect(), scale = this.spec.side / box.width;
      return [scale * (event.clientX - box.left), scale * (event.clientY - box.top)];
    };
    stage.listen(canvas, "pointerdown", (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.ring.hidden = true;
      this.press(at(event));
    });
    stage.listen(canvas, "pointermove", (event) => this.pen && event.isPrimary && this.stroke(at(event)));
    for (const end of ["pointerup", "pointercancel", "blur"]) stage.listen(canvas, end, () => this.lift());
    stage.listen(canvas, "keydown", (event) => this.key(event));
    stage.listen(canvas, "keyup", (event) => event.key === " " && this.lift());
    this.link?.on("change:pixels", () => this.take());
  }

  /** Arrow keys move the brush; while Space is down it paints. */
  key(event) {
    const way = WAYS[event.key], { side } = this.spec;
    if (!way && event.key !== " ") return;
    event.preventDefault();
    const reach = event.shiftKey ? LEAP / 3 : LEAP;
    if (way) this.place = this.place.map((x, i) => Math.max(0, Math.min(side, x + reach * way[i])));
    if (this.pen) this.stroke(this.place);
    else if (event.key === " ") this.press(this.place);
    this.showRing();
  }

  showRing() {
    const share = (x) => `${(100 * x) / this.spec.side}%`, half = share(this.width / 2);
    this.ring.style.cssText = `position: absolute; pointer-events: none; border: 2px solid #666; box-shadow: 0 0 0 1px #fff;
      border-radius: 50%; aspect-ratio: 1; width: ${share(this.width)};
      left: calc(${share(this.place[0])} - ${half}); top: calc(${share(this.place[1])} - ${half})`;
    this.ring.hidden = false;
  }

  press(place) {
    this.pen = place;
    this.stroke(place);
  }

  stroke(to) {
    const { context, brush, pen } = this;
    context.globalCompositeOperation = brush === ERASING ? "destination-out" : "source-over";
    context.strokeStyle = this.spec.brushes[brush];
    context.lineWidth = this.width;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...pen);
    context.lineTo(...to);
    context.stroke();
    this.pen = to;
  }

  lift() {
    if (!this.pen) return;
    this.pen = null;
    this.hand();
  }

  /** Hand the pixels, RGBA row by row, to Python. */
  hand() {
    const { side } = this.spec, { data } = this.context.getImageData(0, 0, side, side);
    this.link?.set("pixels", new DataView(data.buffer));
    this.link?.save_changes();
  }

  /** Show the pixels that Python has, if any. */
  take() {
    const sent = this.link?.get("pixels"), { side } = this.spec;
    if (!sent?.byteLength || this.pen) return;
    const bytes = new Uint8ClampedArray(sent.buffer.slice(sent.byteOffset, sent.byteOffset + sent.byteLength));
    this.context.putImageData(new ImageData(bytes, side, side), 0, 0);
  }

  restart() {
    this.context.clearRect(0, 0, this.spec.side, this.spec.side);
    this.hand();
  }

  set() {}

  frame() {}

  say() {
    return "";
  }
}
