// A sheet to paint a creature on: its pixels go to Python as they change, and come from there.

import { Brush } from "./brush.js";
import { Canvas } from "./canvas.js";
import { button, controls, make } from "./controls.js";

const ERASING = "eraser";

/** The spec holds the `side` of the sheet in pixels, its `paper`, `brushes` by name, and a `width`. */
export class Paint {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage, link: stage.link });
    const sheet = new Canvas(stage, { label: spec.alt, role: "application", pixels: spec.side });
    this.context = sheet.context;
    this.brush = new Brush(sheet, {
      begin() {},
      stroke: (...ends) => this.stroke(...ends.map((end) => end.map((share) => spec.side * share))),
      end: () => this.hand(),
    }, spec.width / spec.side);
    sheet.canvas.style.background = spec.paper;
    sheet.element.style.maxWidth = "24rem";
    this.tools();
    this.link?.on("change:pixels", () => this.take());
    this.take();
  }

  tools() {
    const { brushes, side, width } = this.spec;
    const swatches = Object.entries(brushes).map(([name, colour]) => {
      const swatch = button(name, () => choose(name)), spot = make("span", {});
      spot.style.cssText = `display: inline-block; width: 14px; height: 14px; margin-right: 8px;
        vertical-align: -1px; border: 1px solid #888; border-radius: 4px; background: ${colour}`;
      if (name !== ERASING) swatch.prepend(spot);
      return swatch;
    });
    const choose = (name) => {
      this.colour = name;
      swatches.forEach((each) => each.setAttribute("aria-pressed", each.textContent === name));
    };
    choose(Object.keys(brushes)[0]);
    this.stage.bar.replaceChildren(...swatches);
    const about = { name: "width", label: "brush width in pixels", value: width, min: 4, max: 48, step: 2, digits: 0 };
    this.stage.bar.after(controls([about], (_, pixels) => (this.brush.width = pixels / side)));
  }

  stroke(from, to) {
    const { context, colour, spec, brush } = this;
    context.globalCompositeOperation = colour === ERASING ? "destination-out" : "source-over";
    context.strokeStyle = spec.brushes[colour];
    context.lineWidth = brush.width * spec.side;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 1e-3, to[1]); // some browsers don't draw a line without length
    context.stroke();
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
    if (!sent?.byteLength || this.brush.pen) return;
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
