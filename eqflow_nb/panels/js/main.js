// Where panels begin: on a page, in the slots that Python left there; in a notebook, as a widget.

import { decode } from "./arrays.js";
import { chemistry } from "./chemistry.js";
import { cloud } from "./cloud.js";
import { KINDS, mount } from "./live.js";
import { lorenz } from "./lorenz.js";
import { paint } from "./paint.js";

Object.assign(KINDS, { chemistry, cloud, lorenz, paint });

/** Start the panel in every slot on the page that has none yet. */
export function startAll() {
  document.querySelectorAll(".eqflow-live-slot:not([data-started])").forEach(startIn);
}

function startIn(slot) {
  const spec = JSON.parse(slot.querySelector("script[type='application/json']").textContent);
  const root = document.createElement("div");
  slot.dataset.started = "";
  slot.append(root);
  mount(root, decode(spec));
  if (root.dataset.state !== "error") slot.querySelector(":scope > p").remove();
}

/** What anywidget calls for each place in which a notebook shows the panel. */
export function render({ model, el }) {
  const root = document.createElement("div");
  el.append(root);
  return mount(root, decode(model.get("spec")), model);
}
