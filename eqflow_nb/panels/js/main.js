// Where panels begin: on a page, in the slots that Python left there; in a notebook, as a widget.

import { decode } from "./arrays.js";
import { chemistry } from "./chemistry.js";
import { cloud } from "./cloud.js";
import { KINDS, mount } from "./live.js";
import { lorenz } from "./lorenz.js";
import { paint } from "./paint.js";

Object.assign(KINDS, { chemistry, cloud, lorenz, paint });

/** Start the panel of every slot on the page that has none yet, now and once the page is read. */
export function startAll() {
  for (const slot of document.querySelectorAll(".eqflow-live-slot:not([data-started])")) {
    const data = slot.querySelector("script[type='application/json']");
    if (!data) continue;
    slot.dataset.started = "";
    const spec = JSON.parse(data.textContent);
    const root = document.createElement("div");
    slot.append(root);
    mount(root, decode(spec));
    hideTwin(slot, spec.alt);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
}

/** The static picture of a panel that has started, next after it, need not be there twice. */
function hideTwin(slot, alt) {
  for (const image of document.querySelectorAll("img")) {
    const after = slot.compareDocumentPosition(image) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (after && image.alt === alt) return void (image.style.display = "none");
  }
}

/** What anywidget calls for each place in which a notebook shows the panel. */
export function render({ model, el }) {
  const root = document.createElement("div");
  el.append(root);
  return mount(root, decode(model.get("spec")), model);
}
