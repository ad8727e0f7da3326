// A sheet to paint a creature on: its pixels go to Python as they change, and come from there.

import { Brush } from "./brush.js";
import { Canvas } from "./canvas.js";
import { button, controls, make } from "./controls.js";

const ERASING = "eraser";

/** The spec holds the `side` of the sheet in pixels, its `paper`, `brushes` by name, and a `width`. */
export class Paint {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage });
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
    stage.link?.on("change:pixels", () => this.take());
    this.take();
  }

  tools() {
    const { brushes, side, width } = this.spec;
    const swatches = Object.entries(brushes).map(([name, colour]) => {
      const swatch = button(name, () => choose(name));
      if (name !== ERASING) swatch.prepend(make("span", { class: "eqflow-spot", style: `background: ${colour}` }));
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
    Object.assign(context, { strokeStyle: spec.brushes[colour], lineWidth: brush.width * spec.side, lineCap: "round" });
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 1e-3, to[1]); // some browsers don't draw a line without length
    context.stroke();
  }

  /** Hand the pixels, RGBA row by row, to Python. */
  hand() {
    const { side } = this.spec;
    this.stage.hand("pixels", new DataView(this.context.getImageData(0, 0, side, side).data.buffer));
  }

  /** Show the pixels that Python has, if any. */
  take() {
    const sent = this.stage.link?.get("pixels"), { side } = this.spec;
    if (!sent?.byteLength || this.brush.pen) return;
    const bytes = new Uint8ClampedArray(sent.buffer.slice(sent.byteOffset, sent.byteOffset + sent.byteLength));
    this.context.putImageData(new ImageData(bytes, side, side), 0, 0);
  }

  restart() {
    this.context.clearRect(0, 0, this.spec.side, this.spec.side);
    this.hand();
  }
}
