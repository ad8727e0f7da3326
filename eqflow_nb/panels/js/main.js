// Where panels begin: on a page, in the slots that Python left there; in a notebook, as a widget.

import { decode } from "./arrays.js";
import { Chemistry } from "./chemistry.js";
import { Cloud } from "./cloud.js";
import { Creatures } from "./creatures.js";
import { mount } from "./live.js";
import { Lorenz } from "./lorenz.js";
import { Paint } from "./paint.js";
import { Stamps } from "./stamps.js";

const KINDS = {
  chemistry: Chemistry, cloud: Cloud, creatures: Creatures, lorenz: Lorenz, paint: Paint, stamps: Stamps,
};

/** Start a panel in an element, by its spec as Python sent it; returns a function that ends it. */
export function begin(element, sent, link = null) {
  const root = document.createElement("div"), spec = decode(sent);
  element.append(root);
  return mount(root, spec, KINDS[spec.kind], link);
}

/** Start the panel in every slot on the page that has none yet. */
export function startAll() {
  for (const slot of document.querySelectorAll(".eqflow-live-slot:not([data-started])")) {
    slot.dataset.started = "";
    begin(slot, JSON.parse(slot.querySelector("script[type='application/json']").textContent));
  }
}

/** What anywidget calls for each place in which a notebook shows the panel. */
export function render({ model, el }) {
  return begin(el, model.get("spec"), model);
}
