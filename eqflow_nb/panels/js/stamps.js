// Small sheets to put creatures on: where they are, and where they look, goes to Python.

import { Brush } from "./brush.js";
import { portrait } from "./creatures.js";
import { make } from "./controls.js";
import { Plane } from "./view2d.js";

const TURNS = 1.5; // pixels from a creature: a brush that has come so far turns it

/**
 * The spec holds `stamps`, of each sheet the creatures [right, up, degrees] that it begins with,
 * pixels from its middle; the `side` of a sheet and the width of a `body`, in pixels, and a
 * `picture` as an address.  Press on a free place: a creature is there.  Press on one: it is gone.
 * Press and draw: it looks at the brush.
 */
export class Stamps {
  constructor(spec, stage) {
    Object.assign(this, { spec, stage, picture: make("img", { src: spec.picture }) });
    stage.listen(this.picture, "load", () => this.resize());
    stage.pause.remove(); // nothing moves by itself
    this.sheets = spec.stamps.map((_, k) => this.sheet(k));
    this.put(stage.link?.get("stamps") ?? spec.stamps);
    if (!stage.link) stage.tell("On a page nothing is fitted to these sheets; the notebook does it.");
  }

  sheet(k) {
    const { side, body, alt } = this.spec;
    const plane = new Plane(this.stage, { extent: side / 2, alt: `Sheet ${k + 1}: ${alt}`, draws: true });
    Object.assign(plane.element.style, { flexBasis: "140px", maxWidth: "calc(50% - 5px)" });
    new Brush(plane, {
      begin: () => (this.held = null),
      stroke: (_, share) => this.stroke(this.stamps[k], plane.place(share)),
      end: () => this.end(k),
    }, body / side);
    return plane;
  }

  /** The brush has come to a place of a sheet. */
  stroke(stamp, place) {
    const gap = (each) => Math.hypot(place[0] - each[0], place[1] - each[1]);
    if (!this.held) {
      const old = stamp.find((each) => gap(each) < this.spec.body / 2);
      Object.assign(this, { held: old ?? [...place, 0], leaves: Boolean(old) });
      if (!old) stamp.push(this.held);
    } else if (gap(this.held) > TURNS) {
      this.leaves = false;
      this.held[2] = Math.round((180 / Math.PI) * Math.atan2(place[1] - this.held[1], place[0] - this.held[0]));
    }
    this.resize();
  }

  /** A creature that was pressed, and not turned, goes. */
  end(k) {
    if (this.leaves) this.stamps[k] = this.stamps[k].filter((each) => each !== this.held);
    this.hand();
    this.stage.tell(`Creatures on sheet ${k + 1}: ${this.stamps[k].length}.`);
    this.resize();
  }

  put(stamps) {
    this.stamps = structuredClone(stamps);
    this.resize();
  }

  hand() {
    this.stage.link?.set("stamps", structuredClone(this.stamps)); // a new one each time, or it is not sent
    this.stage.link?.save_changes();
  }

  restart() {
    this.put(this.spec.stamps);
    this.hand();
  }

  resize() {
    this.stale = true;
    this.stage.wake();
  }

  frame() {
    if (!this.stale) return;
    this.stale = false;
    this.sheets.forEach((plane, k) => {
      plane.clearBack();
      plane.show([], [], 0);
      for (const [x, y, degrees] of this.stamps[k]) {
        const drawn = portrait(this.picture, this.spec.body * plane.scale, (Math.PI / 180) * degrees, this.stage.look);
        plane.context.drawImage(drawn, plane.right(x) - drawn.width / 2, plane.down(y) - drawn.width / 2);
      }
    });
  }

  set() {}

  say() {
    return "";
  }
}
